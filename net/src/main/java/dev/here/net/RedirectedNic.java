package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.UnixListener;
import dev.here.ffi.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way out of a NIC of a running QEMU, led through a {@link FrameGate}. QEMU's chardevs are the
 * clients (with reconnect) of two Unix sockets that this object listens on; what the guest sends
 * arrives on <em>out</em> and goes on to QEMU's own back end when it is written to <em>in</em>.
 * Frames for the guest do not come by here.
 *
 * <p>QEMU writes to <em>out</em> blocking, from its main loop: who stops reading freezes the guest.
 * So one thread does nothing but read <em>out</em> into the gate, which never waits, and only the
 * gate's own thread writes to <em>in</em>, which may. When a connection ends, the next one takes
 * its place; a frame that was cut off with it is lost.
 *
 * <p>A frame is in the gate before it is taken out of <em>out</em>, and is taken whole: who reads
 * on after this process has died ({@link DepositedConnections}) begins with a frame.
 */
public final class RedirectedNic implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RedirectedNic.class);
  private static final int CHUNK_BYTES = 256 * 1024;
  private static final long ACCEPT_RETRY_NANOS = 100_000_000;

  /** QEMU writes a frame in three pieces; the rest is waited for so long, then taken in pieces. */
  private static final long REST_NANOS = 50_000;

  private static final int REST_TRIES = 20;

  private final UnixListener outListener;
  private final UnixListener inListener;
  private final Arena arena = Arena.ofShared();
  private final StreamFrameCodec codec;
  private final FrameRoom room;
  private final ConnectionDeposit.Place deposit;
  private final FrameGate gate;
  private final InPort inPort;
  private final Thread outThread;
  private final Thread inThread;
  private final CountDownLatch outConnected = new CountDownLatch(1);
  private final CountDownLatch inConnected = new CountDownLatch(1);
  private final Object connections = new Object();
  private Optional<UnixSocket> out = Optional.empty();
  private volatile boolean closed;

  /**
   * Listens on both paths, which a dead process may have left behind, and starts reading.
   *
   * @param outPath where the redirector with {@code outdev} connects
   * @param inPath where the redirector with {@code indev} connects
   * @param vnetHeaders both redirectors have vnet_hdr_support=on
   * @param room of the gate; closed with it, also when this fails
   * @param deposit gets a second descriptor of each connection
   * @throws NativeException when a path cannot be listened on, with the path
   */
  public static RedirectedNic listen(
      Path outPath,
      Path inPath,
      boolean vnetHeaders,
      FrameRoom room,
      ConnectionDeposit.Place deposit,
      ReleasePermission permission,
      FrameGate.Pressure pressure) {
    UnixListener outListener = listen(outPath, room);
    try {
      UnixListener inListener = listen(inPath, room);
      return new RedirectedNic(
          outListener, inListener, vnetHeaders, room, deposit, permission, pressure);
    } catch (RuntimeException e) {
      outListener.close();
      throw e;
    }
  }

  private static UnixListener listen(Path path, FrameRoom room) {
    try {
      return UnixListener.bindOverStale(path);
    } catch (RuntimeException e) {
      room.close();
      throw e;
    }
  }

  private RedirectedNic(
      UnixListener outListener,
      UnixListener inListener,
      boolean vnetHeaders,
      FrameRoom room,
      ConnectionDeposit.Place deposit,
      ReleasePermission permission,
      FrameGate.Pressure pressure) {
    this.outListener = outListener;
    this.inListener = inListener;
    this.codec =
        new StreamFrameCodec(
            vnetHeaders,
            arena.allocate(FramePort.MAX_RECORD_BYTES + (long) FramePort.HEADER_BYTES, 64));
    this.inPort = new InPort(vnetHeaders, codec, arena);
    this.gate = new FrameGate(room, inPort, FrameGate.Passing.QUEUED, permission, pressure);
    this.room = room;
    this.deposit = deposit;
    this.outThread = Thread.ofPlatform().daemon().name("nic-out").unstarted(this::readOut);
    this.inThread = Thread.ofPlatform().daemon().name("nic-in").unstarted(this::acceptIn);
    outThread.start();
    inThread.start();
  }

  /** The gate that the guest's frames go through; it begins open. */
  public FrameGate gate() {
    return gate;
  }

  /** Waits until QEMU has connected to both sockets once; whether it has. */
  public boolean awaitConnected(long timeoutNanos) throws InterruptedException {
    long deadline = System.nanoTime() + timeoutNanos;
    return outConnected.await(timeoutNanos, TimeUnit.NANOSECONDS)
        && inConnected.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
  }

  /** Frames lost since the beginning because QEMU had no connection to the in socket. */
  public long unsentFrames() {
    return inPort.unsent.get();
  }

  private void readOut() {
    try (Arena own = Arena.ofConfined()) {
      MemorySegment chunk = own.allocate(CHUNK_BYTES, 64);
      StreamFrameCodec.Frames toGate =
          (record, length) -> {
            room.headerBytes(codec.lastHeaderBytes());
            gate.send(record, length);
          };
      while (!closed) {
        Optional<UnixSocket> connection = accept(outListener);
        if (connection.isPresent()) {
          codec.restart();
          readConnection(connection.orElseThrow(), chunk, toGate);
        }
      }
    }
  }

  private void readConnection(
      UnixSocket connection, MemorySegment chunk, StreamFrameCodec.Frames frames) {
    synchronized (connections) {
      out = Optional.of(connection);
    }
    deposit.put(ConnectionDeposit.Way.OUT, connection);
    outConnected.countDown();
    try {
      boolean more = true;
      while (more && !closed) {
        more = readFrames(connection, chunk, frames);
      }
    } catch (NativeException | FrameStreamException e) {
      if (!closed) {
        LOG.warn("frames from QEMU ended: {}", e.getMessage());
      }
    }
    deposit.withdraw(ConnectionDeposit.Way.OUT);
    synchronized (connections) {
      out = Optional.empty();
      // Closing alone would end nothing while the deposit is kept.
      connection.shutdown();
      connection.close();
    }
  }

  /** Whether the stream goes on. */
  private boolean readFrames(
      UnixSocket connection, MemorySegment chunk, StreamFrameCodec.Frames frames) {
    long length = connection.peek(chunk);
    long take = codec.isBetweenFrames() ? codec.wholeFrames(chunk, length) : length;
    for (int tries = 0; take == 0 && length > 0 && tries < REST_TRIES; tries++) {
      LockSupport.parkNanos(REST_NANOS);
      length = connection.peek(chunk);
      take = codec.wholeFrames(chunk, length);
    }
    if (take == 0) {
      take = length;
    }
    codec.decode(chunk, take, frames);
    for (long left = take; left > 0; ) {
      left -= connection.receive(chunk.asSlice(0, left));
    }
    return length > 0;
  }

  private void acceptIn() {
    while (!closed) {
      Optional<UnixSocket> connection = accept(inListener);
      if (connection.isPresent()) {
        deposit.put(ConnectionDeposit.Way.BACK, connection.orElseThrow());
        inPort.connect(connection);
        inConnected.countDown();
      }
    }
  }

  private Optional<UnixSocket> accept(UnixListener listener) {
    try {
      return Optional.of(listener.accept());
    } catch (NativeException e) {
      if (!closed) {
        LOG.warn("QEMU's filter cannot connect, trying again: {}", e.getMessage());
        LockSupport.parkNanos(ACCEPT_RETRY_NANOS);
      }
      return Optional.empty();
    }
  }

  /** Ends both connections and removes the sockets; what the gate holds is lost. */
  @Override
  public void close() {
    closed = true;
    outListener.shutdown();
    inListener.shutdown();
    synchronized (connections) {
      out.ifPresent(UnixSocket::shutdown);
    }
    inPort.shutdown();
    Joining.await(outThread);
    Joining.await(inThread);
    deposit.withdraw(ConnectionDeposit.Way.BACK);
    gate.close();
    outListener.close();
    inListener.close();
    arena.close();
  }

  /**
   * Writes frames to QEMU's back end; only the gate's thread sends. A descriptor is closed only
   * while nobody sends on it: it is shut down first, which ends a send that waits.
   */
  private static final class InPort implements FramePort {
    private final boolean vnetHeaders;
    private final StreamFrameCodec decoder;
    private final MemorySegment encoded;
    private final Object sending = new Object();
    private volatile Optional<UnixSocket> socket = Optional.empty();
    private volatile boolean ended;
    private final AtomicLong unsent = new AtomicLong();

    /**
     * @param decoder knows the length of header that QEMU's back end uses
     */
    InPort(boolean vnetHeaders, StreamFrameCodec decoder, Arena arena) {
      this.vnetHeaders = vnetHeaders;
      this.decoder = decoder;
      encoded = arena.allocate(MAX_RECORD_BYTES + (long) StreamFrameCodec.MAX_PREFIX_BYTES, 64);
    }

    /** Called by the accepting thread alone, until it has ended. */
    void connect(Optional<UnixSocket> connection) {
      Optional<UnixSocket> old = socket;
      old.ifPresent(UnixSocket::shutdown);
      synchronized (sending) {
        socket = connection;
        old.ifPresent(UnixSocket::close);
      }
      if (ended) {
        connection.ifPresent(UnixSocket::shutdown);
      }
    }

    void shutdown() {
      ended = true;
      socket.ifPresent(UnixSocket::shutdown);
    }

    @Override
    public boolean send(MemorySegment record, int length) {
      synchronized (sending) {
        if (socket.isPresent()) {
          int size =
              StreamFrameCodec.encode(
                  record, length, vnetHeaders, decoder.lastHeaderBytes(), encoded);
          try {
            socket.orElseThrow().send(encoded.asSlice(0, size));
            return true;
          } catch (NativeException e) {
            socket.orElseThrow().shutdown();
          }
        }
      }
      unsent.setRelease(unsent.getPlain() + 1);
      return false;
    }

    @Override
    public int receive(MemorySegment record, int timeoutMillis) {
      return 0;
    }

    @Override
    public void accept(Offloads offloads) {
      // QEMU's own back end has been told by the guest's device.
    }

    @Override
    public void close() {
      connect(Optional.empty());
    }
  }
}

package dev.here.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A network between two programs on the loopback: it forwards TCP connections, and breaks them as a
 * seed says. What is delayed on one connection and not on another arrives in another order than it
 * was sent.
 */
public final class FaultyLink implements AutoCloseable {
  /** What can happen to a connection. */
  public enum Fault {
    /** Both directions are closed. */
    CUT,
    /** A part of what was read is delivered, then both directions are closed. */
    TRUNCATE,
    /** One bit changes. */
    FLIP,
    /** Nothing moves for some milliseconds. */
    DELAY
  }

  private static final int CHUNK_BYTES = 16 << 10;

  private final InetSocketAddress target;
  private final ServerSocketChannel server;
  private final SplittableRandom random;
  private final Set<SocketChannel> channels = ConcurrentHashMap.newKeySet();
  private final long meanBytesToFault;
  private final Fault[] faults;
  private volatile boolean faulty;
  private boolean partitioned;
  private volatile boolean closed;

  /**
   * @param target where connections go
   * @param seed of all faults
   * @param meanBytesToFault octets between two faults on one connection, in the mean
   * @param faults which may happen; none: a link that is only partitioned by command
   */
  public FaultyLink(InetSocketAddress target, long seed, long meanBytesToFault, Fault... faults)
      throws IOException {
    this.target = target;
    this.random = new SplittableRandom(seed);
    this.meanBytesToFault = meanBytesToFault;
    this.faults = faults.clone();
    this.faulty = faults.length > 0;
    this.server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    Thread.ofVirtual().name("faulty-link").start(this::accept);
  }

  /** Where to connect to. */
  public InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.socket().getLocalPort());
  }

  /** From now on no faults happen by themselves, or they do again. */
  public void faulty(boolean on) {
    faulty = on && faults.length > 0;
  }

  /** While on, nothing moves in either direction and nothing is closed. */
  public synchronized void partition(boolean on) {
    partitioned = on;
    notifyAll();
  }

  /** Closes all connections that are open now. */
  public void cutAll() {
    channels.forEach(FaultyLink::closeQuietly);
  }

  private void accept() {
    while (!closed) {
      try {
        SocketChannel near = server.accept();
        SocketChannel far = SocketChannel.open(target);
        channels.add(near);
        channels.add(far);
        SplittableRandom forward;
        SplittableRandom backward;
        synchronized (this) {
          forward = random.split();
          backward = random.split();
        }
        Thread.ofVirtual().start(() -> pump(near, far, forward));
        Thread.ofVirtual().start(() -> pump(far, near, backward));
      } catch (IOException e) {
        if (!closed) {
          // The target is not there: the connection ends as one to a dead host does.
          continue;
        }
      }
    }
  }

  private void pump(SocketChannel from, SocketChannel to, SplittableRandom own) {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
    long untilFault = distance(own);
    try (from;
        to) {
      while (from.read(chunk.clear()) >= 0) {
        awaitHealed();
        chunk.flip();
        untilFault -= chunk.remaining();
        if (untilFault < 0 && faulty) {
          untilFault = distance(own);
          if (!apply(faults[own.nextInt(faults.length)], chunk, own)) {
            writeAll(to, chunk);
            return;
          }
        }
        writeAll(to, chunk);
      }
    } catch (IOException e) {
      // One side is gone: the other is closed with it.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      channels.remove(from);
      channels.remove(to);
    }
  }

  private long distance(SplittableRandom own) {
    return own.nextLong(1, 2 * Math.max(1, meanBytesToFault));
  }

  /** Does the fault to {@code chunk}; false when the connection ends with it. */
  private static boolean apply(Fault fault, ByteBuffer chunk, SplittableRandom own)
      throws InterruptedException {
    switch (fault) {
      case CUT -> {
        chunk.limit(0);
        return false;
      }
      case TRUNCATE -> {
        chunk.limit(own.nextInt(chunk.limit() + 1));
        return false;
      }
      case FLIP -> {
        int at = own.nextInt(chunk.limit());
        chunk.put(at, (byte) (chunk.get(at) ^ 1 << own.nextInt(8)));
      }
      case DELAY -> Thread.sleep(own.nextInt(1, 30));
    }
    return true;
  }

  private synchronized void awaitHealed() throws InterruptedException {
    while (partitioned && !closed) {
      wait();
    }
  }

  private static void writeAll(SocketChannel to, ByteBuffer chunk) throws IOException {
    while (chunk.hasRemaining()) {
      to.write(chunk);
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // It is gone, which is all that was wanted.
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
    try {
      server.close();
    } catch (IOException e) {
      throw new IllegalStateException("the faulty link's socket cannot be closed", e);
    }
    cutAll();
  }
}

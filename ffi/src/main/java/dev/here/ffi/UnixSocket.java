package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A connected Unix stream socket that carries bytes and file descriptors (unix(7)). Descriptors
 * arrive with the first byte of the message they were sent with, so a protocol sends them with a
 * frame's header.
 *
 * <p>One thread may send while another receives. {@link #shutdown} from a third wakes both.
 */
public final class UnixSocket implements AutoCloseable {
  private static final int PATH_BYTES = 108;
  private static final int ADDRESS_BYTES = 2 + PATH_BYTES;

  private final FileDescriptor descriptor;

  private UnixSocket(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /** Process, user and group of the other end when it connected (SO_PEERCRED). */
  public record PeerCredentials(int pid, int uid, int gid) {}

  /**
   * What one receive brought.
   *
   * @param sizeBytes 0 at the end of the stream
   * @param descriptors in the order sent; the receiver owns them
   */
  public record Received(int sizeBytes, List<FileDescriptor> descriptors) {}

  /** Both ends of a connection. */
  public record Pair(UnixSocket one, UnixSocket other) {}

  /**
   * Connects to a listening socket.
   *
   * @throws NativeException ENOENT or ECONNREFUSED: nobody listens at the path
   */
  public static UnixSocket connect(String path) {
    FileDescriptor descriptor = newStream("socket for " + path);
    try {
      MemorySegment address = address(path);
      int result = Sockets.connect(descriptor.number(), address, ADDRESS_BYTES);
      if (result < 0) {
        throw new NativeException(-result, "connect to " + path);
      }
      return new UnixSocket(descriptor);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /** A connected pair inside this process; one end may be passed on. */
  public static Pair pair() {
    MemorySegment fds = ThreadScratch.segment();
    int result = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SOCK_STREAM, fds);
    if (result < 0) {
      throw new NativeException(-result, "socketpair");
    }
    return new Pair(
        new UnixSocket(FileDescriptor.adopt(fds.get(JAVA_INT, 0), "socket pair")),
        new UnixSocket(FileDescriptor.adopt(fds.get(JAVA_INT, 4), "socket pair")));
  }

  /** Takes ownership of a connected stream socket, for example a received or inherited one. */
  public static UnixSocket adopt(FileDescriptor descriptor) {
    return new UnixSocket(descriptor);
  }

  static FileDescriptor newStream(String what) {
    return FileDescriptor.of(
        Sockets.socket(Sockets.AF_UNIX, Sockets.SOCK_STREAM, 0), what, "create a " + what);
  }

  /** struct sockaddr_un in this thread's scratch memory. */
  static MemorySegment address(String path) {
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    if (bytes.length == 0 || bytes.length >= PATH_BYTES) {
      throw new IllegalArgumentException(
          "socket path %s has %d bytes, allowed are 1 to %d: choose a shorter folder"
              .formatted(path, bytes.length, PATH_BYTES - 1));
    }
    MemorySegment address = ThreadScratch.zeroed(ADDRESS_BYTES);
    address.set(JAVA_SHORT, 0, (short) Sockets.AF_UNIX);
    MemorySegment.copy(bytes, 0, address, JAVA_BYTE, 2, bytes.length);
    return address;
  }

  static int addressBytes() {
    return ADDRESS_BYTES;
  }

  /** Sends all bytes of a native segment; the descriptors go with the first of them. */
  public void send(MemorySegment bytes, FileDescriptor... descriptors) {
    if (descriptors.length > MsgHdr.MAX_DESCRIPTORS || descriptors.length > 0 && isEmpty(bytes)) {
      throw new IllegalArgumentException(
          "%d descriptors with %d bytes: 1 to %d need at least one byte"
              .formatted(descriptors.length, bytes.byteSize(), MsgHdr.MAX_DESCRIPTORS));
    }
    long sent = 0;
    while (sent < bytes.byteSize()) {
      long address = bytes.address() + sent;
      long left = bytes.byteSize() - sent;
      long result;
      if (sent == 0 && descriptors.length > 0) {
        MemorySegment header = MsgHdr.over(address, left);
        MsgHdr.attach(header, descriptors);
        result = Sockets.sendmsg(descriptor.number(), header, Sockets.MSG_NOSIGNAL);
      } else {
        result = Sockets.send(descriptor.number(), address, left, Sockets.MSG_NOSIGNAL);
      }
      if (result >= 0) {
        sent += result;
      } else if (result != -Errno.EINTR) {
        throw new NativeException((int) -result, "send on " + descriptor);
      }
    }
  }

  private static boolean isEmpty(MemorySegment bytes) {
    return bytes.byteSize() == 0;
  }

  /**
   * Waits for bytes, at most the segment's size, and the descriptors that come with them.
   *
   * @param into native memory
   * @param maxDescriptors more than this are refused; at most 64
   * @throws NativeException ECONNRESET, or EMSGSIZE when too many descriptors came (all are closed)
   */
  public Received receive(MemorySegment into, int maxDescriptors) {
    MemorySegment header;
    long result;
    do {
      header = MsgHdr.over(into.address(), into.byteSize());
      MsgHdr.expect(header, Math.min(maxDescriptors, MsgHdr.MAX_DESCRIPTORS));
      result = Sockets.recvmsg(descriptor.number(), header, Sockets.MSG_CMSG_CLOEXEC);
    } while (result == -Errno.EINTR);
    if (result < 0) {
      throw new NativeException((int) -result, "receive on " + descriptor);
    }
    List<FileDescriptor> descriptors = new ArrayList<>();
    for (int i = 0; i < MsgHdr.received(header); i++) {
      descriptors.add(
          FileDescriptor.adopt(MsgHdr.receivedDescriptor(header, i), "received descriptor"));
    }
    if (MsgHdr.controlTruncated(header) || descriptors.size() > maxDescriptors) {
      descriptors.forEach(FileDescriptor::close);
      throw new NativeException(
          Errno.EMSGSIZE, "receive more than %d descriptors".formatted(maxDescriptors));
    }
    return new Received((int) result, List.copyOf(descriptors));
  }

  /**
   * Waits for bytes alone and allocates nothing; descriptors that come too are dropped by the
   * kernel.
   *
   * @return how many bytes came, 0 at the end of the stream
   */
  public long receive(MemorySegment into) {
    long result;
    do {
      result = Sockets.receive(descriptor.number(), into.address(), into.byteSize(), 0);
    } while (result == -Errno.EINTR);
    if (result < 0) {
      throw new NativeException((int) -result, "receive on " + descriptor);
    }
    return result;
  }

  /**
   * Waits until something can be received (or the peer has gone).
   *
   * @param timeoutMillis -1 waits for ever
   */
  public boolean awaitReadable(int timeoutMillis) {
    return Libc.pollOne(descriptor.number(), Libc.POLLIN, timeoutMillis) > 0;
  }

  /** Who is at the other end. */
  public PeerCredentials peer() {
    MemorySegment scratch = ThreadScratch.zeroed(64);
    scratch.set(JAVA_INT, 32, 12);
    int result =
        Sockets.getsockopt(
            descriptor.number(),
            Sockets.SOL_SOCKET,
            Sockets.SO_PEERCRED,
            scratch,
            scratch.asSlice(32));
    if (result < 0) {
      throw new NativeException(-result, "read SO_PEERCRED of " + descriptor);
    }
    return new PeerCredentials(
        scratch.get(JAVA_INT, 0), scratch.get(JAVA_INT, 4), scratch.get(JAVA_INT, 8));
  }

  /** Ends both directions: waiting threads return, the peer sees the end of the stream. */
  public void shutdown() {
    Sockets.shutdown(descriptor.number());
  }

  public FileDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

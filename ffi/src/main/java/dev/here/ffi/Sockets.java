package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * Socket calls. As in {@link Libc}, each returns the call's result or the negated errno, and
 * nothing is allocated.
 */
public final class Sockets {
  public static final int AF_UNIX = 1;
  public static final int AF_INET = 2;
  public static final int AF_NETLINK = 16;
  public static final int AF_PACKET = 17;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_RAW = 3;
  public static final int SOCK_NONBLOCK = 0x800;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int SOL_SOCKET = 1;
  public static final int SO_SNDBUF = 7;
  public static final int SO_RCVBUF = 8;
  public static final int SO_PEERCRED = 17;
  static final int SO_RCVBUFFORCE = 33;
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_NOSIGNAL = 0x4000;
  static final int MSG_CTRUNC = 8;
  static final int MSG_TRUNC = 0x20;
  static final int MSG_CMSG_CLOEXEC = 0x40000000;

  private static final Downcall LIBC = Downcall.libc();
  private static final NativeFunction SOCKET = LIBC.function("socket");
  private static final NativeFunction SOCKETPAIR = LIBC.function("socketpair");
  private static final NativeFunction BIND = LIBC.function("bind");
  private static final int SHUT_RDWR = 2;

  private static final NativeFunction CONNECT = LIBC.function("connect");
  private static final NativeFunction LISTEN = LIBC.function("listen");
  private static final NativeFunction ACCEPT4 = LIBC.function("accept4");
  private static final NativeFunction SHUTDOWN = LIBC.function("shutdown");
  private static final NativeFunction GETSOCKOPT = LIBC.function("getsockopt");
  private static final NativeFunction SETSOCKOPT = LIBC.function("setsockopt");
  private static final NativeFunction SENDMSG = LIBC.function("sendmsg");
  private static final NativeFunction RECVMSG = LIBC.function("recvmsg");
  private static final NativeFunction SEND = LIBC.function("send");
  private static final NativeFunction RECV = LIBC.function("recv");

  private Sockets() {}

  /** socket(2); it is made close-on-exec. */
  public static int socket(int family, int type, int protocol) {
    return SOCKET.callInt(family, type | SOCK_CLOEXEC, protocol);
  }

  /** socketpair(2), close-on-exec; {@code fds} receives two ints. */
  public static int socketpair(int family, int type, MemorySegment fds) {
    return SOCKETPAIR.callInt(family, type | SOCK_CLOEXEC, 0, NativeFunction.pointer(fds));
  }

  /** bind(2). */
  public static int bind(int fd, MemorySegment address, int addressBytes) {
    return BIND.callInt(fd, NativeFunction.pointer(address), addressBytes);
  }

  /** connect(2). */
  public static int connect(int fd, MemorySegment address, int addressBytes) {
    return CONNECT.callInt(fd, NativeFunction.pointer(address), addressBytes);
  }

  /** listen(2). */
  public static int listen(int fd, int backlog) {
    return LISTEN.callInt(fd, backlog);
  }

  /** accept4(2), close-on-exec, without the peer's address. */
  public static int accept(int fd) {
    return ACCEPT4.callInt(fd, 0, 0, SOCK_CLOEXEC);
  }

  /** shutdown(2) of both directions: wakes whoever waits on the socket. */
  public static int shutdown(int fd) {
    return SHUTDOWN.callInt(fd, SHUT_RDWR);
  }

  /** getsockopt(2); {@code length} is an int in and out. */
  public static int getsockopt(
      int fd, int level, int name, MemorySegment value, MemorySegment length) {
    return GETSOCKOPT.callInt(
        fd, level, name, NativeFunction.pointer(value), NativeFunction.pointer(length));
  }

  /** setsockopt(2) with an int. */
  public static int setsockopt(int fd, int level, int name, int value) {
    MemorySegment scratch = ThreadScratch.segment();
    scratch.set(JAVA_INT, 0, value);
    return SETSOCKOPT.callInt(fd, level, name, scratch.address(), 4);
  }

  /** sendmsg(2) with a {@link MsgHdr}. */
  public static long sendmsg(int fd, MemorySegment header, int flags) {
    return SENDMSG.callLong(fd, NativeFunction.pointer(header), flags);
  }

  /** recvmsg(2) with a {@link MsgHdr}. */
  public static long recvmsg(int fd, MemorySegment header, int flags) {
    return RECVMSG.callLong(fd, NativeFunction.pointer(header), flags);
  }

  /** send(2) from an address that the caller keeps alive; give {@link #MSG_NOSIGNAL} to streams. */
  public static long send(int fd, long address, long sizeBytes, int flags) {
    return SEND.callLong(fd, address, sizeBytes, flags);
  }

  /** recv(2) to an address that the caller keeps alive. */
  public static long receive(int fd, long address, long sizeBytes, int flags) {
    return RECV.callLong(fd, address, sizeBytes, flags);
  }
}

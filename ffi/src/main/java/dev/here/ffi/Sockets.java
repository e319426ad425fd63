package dev.here.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

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
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_NOSIGNAL = 0x4000;
  static final int MSG_CTRUNC = 8;
  static final int MSG_TRUNC = 0x20;
  static final int MSG_CMSG_CLOEXEC = 0x40000000;

  private static final Downcall LIBC = Downcall.libc();
  private static final MethodHandle SOCKET =
      LIBC.capturing("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SOCKETPAIR =
      LIBC.capturing(
          "socketpair", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle BIND =
      LIBC.capturing("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle CONNECT =
      LIBC.capturing("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LISTEN =
      LIBC.capturing("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle ACCEPT4 =
      LIBC.capturing(
          "accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle SHUTDOWN =
      LIBC.capturing("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle GETSOCKOPT =
      LIBC.capturing(
          "getsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle SETSOCKOPT =
      LIBC.capturing(
          "setsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SENDMSG =
      LIBC.capturing("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle RECVMSG =
      LIBC.capturing("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SEND =
      LIBC.capturing(
          "send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle RECV =
      LIBC.capturing(
          "recv", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));

  private Sockets() {}

  /** socket(2); it is made close-on-exec. */
  public static int socket(int family, int type, int protocol) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) SOCKET.invokeExact(capture, family, type | SOCK_CLOEXEC, protocol), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** socketpair(2), close-on-exec; {@code fds} receives two ints. */
  public static int socketpair(int family, int type, MemorySegment fds) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) SOCKETPAIR.invokeExact(capture, family, type | SOCK_CLOEXEC, 0, fds), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** bind(2). */
  public static int bind(int fd, MemorySegment address, int addressBytes) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) BIND.invokeExact(capture, fd, address, addressBytes), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** connect(2). */
  public static int connect(int fd, MemorySegment address, int addressBytes) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) CONNECT.invokeExact(capture, fd, address, addressBytes), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** listen(2). */
  public static int listen(int fd, int backlog) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) LISTEN.invokeExact(capture, fd, backlog), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** accept4(2), close-on-exec, without the peer's address. */
  public static int accept(int fd) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int)
              ACCEPT4.invokeExact(
                  capture, fd, MemorySegment.NULL, MemorySegment.NULL, SOCK_CLOEXEC),
          capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** shutdown(2) of both directions: wakes whoever waits on the socket. */
  public static int shutdown(int fd) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) SHUTDOWN.invokeExact(capture, fd, 2), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** getsockopt(2); {@code length} is an int in and out. */
  public static int getsockopt(
      int fd, int level, int name, MemorySegment value, MemorySegment length) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) GETSOCKOPT.invokeExact(capture, fd, level, name, value, length), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** setsockopt(2) with an int. */
  public static int setsockopt(int fd, int level, int name, int value) {
    MemorySegment scratch = ThreadScratch.segment();
    scratch.set(JAVA_INT, 0, value);
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) SETSOCKOPT.invokeExact(capture, fd, level, name, scratch, 4), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** sendmsg(2) with a {@link MsgHdr}. */
  public static long sendmsg(int fd, MemorySegment header, int flags) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((long) SENDMSG.invokeExact(capture, fd, header, flags), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** recvmsg(2) with a {@link MsgHdr}. */
  public static long recvmsg(int fd, MemorySegment header, int flags) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((long) RECVMSG.invokeExact(capture, fd, header, flags), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** send(2) from an address that the caller keeps alive; give {@link #MSG_NOSIGNAL} to streams. */
  public static long send(int fd, long address, long sizeBytes, int flags) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (long) SEND.invokeExact(capture, fd, address, sizeBytes, flags), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** recv(2) to an address that the caller keeps alive. */
  public static long receive(int fd, long address, long sizeBytes, int flags) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (long) RECV.invokeExact(capture, fd, address, sizeBytes, flags), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }
}

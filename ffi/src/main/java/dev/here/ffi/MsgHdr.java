package dev.here.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * struct msghdr and struct cmsghdr (sys/socket.h) with one iovec and at most one control message,
 * which passes file descriptors (SCM_RIGHTS, unix(7)) or says more of a frame (packet(7)).
 */
final class MsgHdr {
  /** Most descriptors in one message; the kernel allows 253. */
  static final int MAX_DESCRIPTORS = 64;

  static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
              ADDRESS.withName("msg_name"),
              JAVA_INT.withName("msg_namelen"),
              MemoryLayout.paddingLayout(4),
              ADDRESS.withName("msg_iov"),
              JAVA_LONG.withName("msg_iovlen"),
              ADDRESS.withName("msg_control"),
              JAVA_LONG.withName("msg_controllen"),
              JAVA_INT.withName("msg_flags"),
              MemoryLayout.paddingLayout(4))
          .withName("struct msghdr");
  static final StructLayout CONTROL =
      MemoryLayout.structLayout(
              JAVA_LONG.withName("cmsg_len"),
              JAVA_INT.withName("cmsg_level"),
              JAVA_INT.withName("cmsg_type"))
          .withName("struct cmsghdr");

  private static final int SCM_RIGHTS = 1;
  private static final long IOV = offset("msg_iov");
  private static final long IOVLEN = offset("msg_iovlen");
  private static final long CONTROL_ADDRESS = offset("msg_control");
  private static final long CONTROL_LENGTH = offset("msg_controllen");
  private static final long FLAGS = offset("msg_flags");
  private static final long IOVEC_AT = 64;
  private static final long CONTROL_AT = 128;
  private static final long CONTROL_HEADER_BYTES = CONTROL.byteSize();

  private MsgHdr() {}

  private static long offset(String member) {
    return LAYOUT.byteOffset(PathElement.groupElement(member));
  }

  /** Lays out a header over these bytes in this thread's scratch memory. */
  static MemorySegment over(long address, long sizeBytes) {
    MemorySegment header = ThreadScratch.segment();
    for (long at = 0; at < LAYOUT.byteSize(); at += 8) {
      header.set(JAVA_LONG, at, 0);
    }
    header.set(JAVA_LONG, IOVEC_AT, address);
    header.set(JAVA_LONG, IOVEC_AT + 8, sizeBytes);
    header.set(JAVA_LONG, IOV, header.address() + IOVEC_AT);
    header.set(JAVA_LONG, IOVLEN, 1);
    return header;
  }

  static void attach(MemorySegment header, FileDescriptor[] descriptors) {
    long length = CONTROL_HEADER_BYTES + 4L * descriptors.length;
    header.set(JAVA_LONG, CONTROL_AT, length);
    header.set(JAVA_INT, CONTROL_AT + 8, Sockets.SOL_SOCKET);
    header.set(JAVA_INT, CONTROL_AT + 12, SCM_RIGHTS);
    for (int i = 0; i < descriptors.length; i++) {
      header.set(JAVA_INT, CONTROL_AT + CONTROL_HEADER_BYTES + 4L * i, descriptors[i].number());
    }
    header.set(JAVA_LONG, CONTROL_ADDRESS, header.address() + CONTROL_AT);
    header.set(JAVA_LONG, CONTROL_LENGTH, (length + 7) & ~7L);
  }

  /** Makes room for {@code count} descriptors to arrive. */
  static void expect(MemorySegment header, int count) {
    expectBytes(header, 4L * count);
  }

  /** Makes room for a control message with {@code sizeBytes} behind its header. */
  static void expectBytes(MemorySegment header, long sizeBytes) {
    header.set(JAVA_LONG, CONTROL_ADDRESS, header.address() + CONTROL_AT);
    header.set(JAVA_LONG, CONTROL_LENGTH, CONTROL_HEADER_BYTES + ((sizeBytes + 7) & ~7L));
  }

  /** Whether a control message of this level and type arrived. */
  static boolean carries(MemorySegment header, int level, int type) {
    return header.get(JAVA_LONG, CONTROL_LENGTH) >= CONTROL_HEADER_BYTES
        && header.get(JAVA_INT, CONTROL_AT + 8) == level
        && header.get(JAVA_INT, CONTROL_AT + 12) == type;
  }

  /** Where in the scratch memory the content of a control message is. */
  static long contentAt() {
    return CONTROL_AT + CONTROL_HEADER_BYTES;
  }

  /** How many descriptors arrived. */
  static int received(MemorySegment header) {
    return carries(header, Sockets.SOL_SOCKET, SCM_RIGHTS)
        ? (int) ((header.get(JAVA_LONG, CONTROL_AT) - CONTROL_HEADER_BYTES) / 4)
        : 0;
  }

  static int receivedDescriptor(MemorySegment header, int index) {
    return header.get(JAVA_INT, CONTROL_AT + CONTROL_HEADER_BYTES + 4L * index);
  }

  static boolean controlTruncated(MemorySegment header) {
    return (header.get(JAVA_INT, FLAGS) & Sockets.MSG_CTRUNC) != 0;
  }
}

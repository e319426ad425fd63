package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects the messages that answer one question (struct nlmsghdr: length 4, type 2, flags 2,
 * sequence 4, port 4). Each datagram may hold several; the last one says that it is the last.
 */
final class NetlinkAnswers {
  static final int NLMSG_ERROR = 2;
  static final int NLMSG_DONE = 3;
  static final int NLM_F_DUMP_INTR = 0x10;

  /** As large a datagram as the kernel makes for a list, and more than one interface needs. */
  static final int BUFFER_BYTES = 1 << 16;

  private final int sequence;
  private final List<ByteBuffer> contents = new ArrayList<>();
  private boolean complete;
  private boolean interrupted;
  private int errno;

  NetlinkAnswers(int sequence) {
    this.sequence = sequence;
  }

  /** Takes one datagram, from the buffer's position to its limit; messages for others are left. */
  void add(ByteBuffer datagram) {
    ByteBuffer in = datagram.slice().order(ByteOrder.nativeOrder());
    while (!complete && in.remaining() >= NetlinkMessage.HEADER_BYTES) {
      int start = in.position();
      int length = in.getInt(start);
      if (length < NetlinkMessage.HEADER_BYTES || length > in.remaining()) {
        throw new NativeException(
            Errno.EBADMSG,
            "read a netlink message of %d bytes where %d are left"
                .formatted(length, in.remaining()));
      }
      if (in.getInt(start + 8) == sequence) {
        ByteBuffer content =
            in.slice(start + NetlinkMessage.HEADER_BYTES, length - NetlinkMessage.HEADER_BYTES);
        take(in.getShort(start + 4), in.getShort(start + 6), content.order(in.order()));
      }
      in.position(Math.min(in.limit(), start + (length + 3 & ~3)));
    }
  }

  private void take(int type, int flags, ByteBuffer content) {
    if (type == NLMSG_ERROR || type == NLMSG_DONE) {
      complete = true;
      errno = content.remaining() >= 4 ? -content.getInt(0) : 0;
    } else {
      ByteBuffer kept = ByteBuffer.allocate(content.remaining()).order(ByteOrder.nativeOrder());
      contents.add(kept.put(content).flip());
    }
    interrupted |= (flags & NLM_F_DUMP_INTR) != 0;
  }

  boolean isComplete() {
    return complete;
  }

  /** The list changed while the kernel wrote it: entries may be missing. */
  boolean isInterrupted() {
    return interrupted;
  }

  /** Why there is no answer; 0 when there is one. */
  int errno() {
    return errno;
  }

  List<ByteBuffer> contents() {
    return contents;
  }
}

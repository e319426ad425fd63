package dev.here.ffi;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * What the kernel said to one of several netlink requests.
 *
 * @param errno why it was not done, as a positive number; 0 when it was
 * @param contents answers after struct nlmsghdr, where a question was asked
 */
public record KernelReply(int errno, List<ByteBuffer> contents) {
  /** Copies the list. */
  public KernelReply {
    contents = List.copyOf(contents);
  }

  /** Whether the request was done. */
  public boolean isDone() {
    return errno == 0;
  }

  /**
   * The first answer that has so many octets.
   *
   * @throws NativeException with the kernel's errno, or ENOENT when there is no answer
   */
  ByteBuffer answer(int leastBytes, String attempted) {
    require(attempted);
    return contents.stream()
        .filter(content -> content.remaining() >= leastBytes)
        .findFirst()
        .map(content -> content.duplicate().order(content.order()))
        .orElseThrow(() -> new NativeException(Errno.ENOENT, attempted));
  }

  /**
   * Does nothing when the request was done.
   *
   * @param attempted what it does, for the error text
   * @throws NativeException with the kernel's errno
   */
  public void require(String attempted) {
    if (errno != 0) {
      throw new NativeException(errno, attempted);
    }
  }
}

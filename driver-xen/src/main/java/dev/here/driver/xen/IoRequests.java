package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.formats.xen.HvmPortAnswer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a domain's vCPUs have asked of its device model and not yet taken the answer to
 * (xen/hvm/ioreq.h: the page of struct ioreq, one a vCPU, and the ring of buffered requests). A
 * request lives in these pages and in the device model only, in nothing that is saved: while one is
 * there, the domain's state alone is no checkpoint.
 */
final class IoRequests implements AutoCloseable {
  static final int RESOURCE_IOREQ_SERVER = 0;

  /** The device model's server is the first that is made for a domain. */
  private static final int DEVICE_MODEL = 0;

  static final long FRAME_BUFFERED = 0;
  private static final long FRAMES = 2;

  static final long REQUEST_BYTES = 32;
  static final long REQUEST_DATA = 8;
  static final long REQUEST_COUNT = 16;
  static final long REQUEST_SIZE = 20;

  /** Bits 0-3 the state, 4 data is an address, 5 read. */
  static final long REQUEST_STATE = 30;

  static final long REQUEST_TYPE = 31;
  static final int TYPE_PORT = 0;
  static final int STATE_NONE = 0;
  static final int STATE_ANSWERED = 3;
  private static final int STATE_MASK = 0x0f;
  private static final int DATA_IS_ADDRESS = 0x10;
  private static final int READ = 0x20;
  static final long BUFFERED_READ = 0;
  static final long BUFFERED_WRITE = 4;

  private final ForeignMemory.Resource resource;
  private final int vcpus;

  IoRequests(ForeignMemory memory, int domain, int vcpus) {
    this.vcpus = vcpus;
    resource = memory.resource(domain, RESOURCE_IOREQ_SERVER, DEVICE_MODEL, FRAME_BUFFERED, FRAMES);
  }

  /**
   * What is under way in a paused domain.
   *
   * @param owed a request that the device model has still to answer
   * @param hindrance an answer that only the vCPU itself can take
   * @param answers to plain accesses of ports
   */
  record UnderWay(Optional<String> owed, Optional<String> hindrance, List<HvmPortAnswer> answers) {}

  /** Looks at the requests of a paused domain. */
  UnderWay look() {
    MemorySegment pages = resource.pages();
    Optional<String> owed = Optional.empty();
    Optional<String> hindrance = Optional.empty();
    List<HvmPortAnswer> answers = new ArrayList<>();
    int buffered = pages.get(JAVA_INT, BUFFERED_WRITE) - pages.get(JAVA_INT, BUFFERED_READ);
    if (buffered != 0) {
      owed = Optional.of("%d buffered requests".formatted(buffered));
    }
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
      long at = ForeignMemory.PAGE_BYTES + vcpu * REQUEST_BYTES;
      int flags = pages.get(JAVA_BYTE, at + REQUEST_STATE);
      int state = flags & STATE_MASK;
      if (state == STATE_ANSWERED && isPlainPortAccess(pages, at, flags)) {
        answers.add(answer(pages, at, vcpu, (flags & READ) != 0));
      } else if (state == STATE_ANSWERED) {
        hindrance = Optional.of("an answer that vCPU %d has not taken".formatted(vcpu));
      } else if (state != STATE_NONE) {
        owed = Optional.of("a request of vCPU %d in state %d".formatted(vcpu, state));
      }
    }
    return new UnderWay(owed, hindrance, List.copyOf(answers));
  }

  private static boolean isPlainPortAccess(MemorySegment pages, long at, int flags) {
    return pages.get(JAVA_BYTE, at + REQUEST_TYPE) == TYPE_PORT
        && (flags & DATA_IS_ADDRESS) == 0
        && pages.get(JAVA_INT, at + REQUEST_COUNT) == 1;
  }

  private static HvmPortAnswer answer(MemorySegment pages, long at, int vcpu, boolean read) {
    return new HvmPortAnswer(
        vcpu,
        read,
        pages.get(JAVA_INT, at + REQUEST_SIZE),
        pages.get(JAVA_LONG, at + REQUEST_DATA));
  }

  @Override
  public void close() {
    resource.close();
  }
}

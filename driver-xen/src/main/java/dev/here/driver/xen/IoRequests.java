package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * What a domain's vCPUs have asked of its device model and not yet taken the answer to
 * (xen/hvm/ioreq.h: the page of struct ioreq, one a vCPU, and the ring of buffered requests). A
 * request lives in these pages and in the device model only, in nothing that is saved: while one is
 * there, the domain's state is no checkpoint.
 */
final class IoRequests implements AutoCloseable {
  static final int RESOURCE_IOREQ_SERVER = 0;

  /** The device model's server is the first that is made for a domain. */
  private static final int DEVICE_MODEL = 0;

  static final long FRAME_BUFFERED = 0;
  private static final long FRAMES = 2;

  static final long REQUEST_BYTES = 32;
  static final long REQUEST_STATE = 30;
  static final int STATE_MASK = 0x0f;
  static final long BUFFERED_READ = 0;
  static final long BUFFERED_WRITE = 4;

  private final ForeignMemory.Resource resource;
  private final int vcpus;

  IoRequests(ForeignMemory memory, int domain, int vcpus) {
    this.vcpus = vcpus;
    resource = memory.resource(domain, RESOURCE_IOREQ_SERVER, DEVICE_MODEL, FRAME_BUFFERED, FRAMES);
  }

  /** What is under way in a paused domain; empty when nothing is. */
  Optional<String> outstanding() {
    MemorySegment pages = resource.pages();
    int read = pages.get(JAVA_INT, BUFFERED_READ);
    int write = pages.get(JAVA_INT, BUFFERED_WRITE);
    if (read != write) {
      return Optional.of("%d buffered requests".formatted(write - read));
    }
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
      int state =
          pages.get(JAVA_BYTE, ForeignMemory.PAGE_BYTES + vcpu * REQUEST_BYTES + REQUEST_STATE)
              & STATE_MASK;
      if (state != 0) {
        return Optional.of("a request of vCPU %d in state %d".formatted(vcpu, state));
      }
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    resource.close();
  }
}

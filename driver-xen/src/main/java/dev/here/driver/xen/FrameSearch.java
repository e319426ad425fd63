package dev.here.driver.xen;

import dev.here.hypervisor.HypervisorException;
import java.util.BitSet;

/**
 * Finds the guest frames that have memory. Most are at the bottom, some that hvmloader placed just
 * below 4 GiB, with a million frames without any between them: the search goes from both ends until
 * as many are found as the domain has.
 */
final class FrameSearch {
  private final XenControl control;
  private final int domain;
  private final long frames;
  private final long wanted;
  private final BitSet found = new BitSet();

  /**
   * @param frames one more than the highest frame number
   * @param wanted how many pages the domain has
   */
  FrameSearch(XenControl control, int domain, long frames, long wanted) {
    this.control = control;
    this.domain = domain;
    this.frames = frames;
    this.wanted = wanted;
  }

  /** A bit for each frame with memory. */
  BitSet run() {
    if (frames > Integer.MAX_VALUE) {
      throw new HypervisorException(
          "domain %d has frames up to %x: more than can be carried".formatted(domain, frames - 1));
    }
    long bottom = 0;
    long top = frames;
    while (bottom < top && found.cardinality() < wanted) {
      bottom = ask(bottom, Math.min(bottom + XenControl.FRAME_BATCH, top));
      if (bottom < top) {
        long first = Math.max(bottom, top - XenControl.FRAME_BATCH);
        ask(first, top);
        top = first;
      }
    }
    return found;
  }

  private long ask(long first, long end) {
    BitSet batch = control.hasMemory(domain, first, (int) (end - first));
    batch.stream().forEach(frame -> found.set((int) first + frame));
    return end;
  }
}

package dev.here.hypervisor;

import java.lang.foreign.MemorySegment;

/**
 * Takes guest pages as a driver delivers them. Called for each page on the checkpoint path: an
 * implementation copies what it wants before it returns, allocates nothing and takes no lock. A
 * page may come more than once; the last one counts.
 */
public interface PageSink {
  /**
   * Page {@code pageIndex} holds the 4096 octets of {@code source} from {@code sourceOffset} on.
   */
  void page(int pageIndex, MemorySegment source, long sourceOffset);

  /** Page {@code pageIndex} holds zeros. */
  void zeroPage(int pageIndex);
}

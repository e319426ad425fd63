package dev.here.formats.qemu;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Takes the pages of a stream as they arrive. Called on the reader's thread; nothing is allocated
 * for a call. A page may come more than once in one stream or checkpoint: the last one counts. What
 * a sink throws ends the reading and reaches the reader's caller.
 */
public interface RamSink {
  /** Bytes in a page. */
  int PAGE_BYTES = 4096;

  /**
   * The blocks that pages will name. Called once a connection, before the first page. The sizes are
   * the sender's word: a sink that allocates checks them first.
   */
  void blocks(List<RamBlock> blocks);

  /**
   * A page with content.
   *
   * @param blockIndex {@link RamBlock#index()}
   * @param offsetInBlock byte offset, a multiple of 4096 below the block's size
   * @param source holds the page; valid only during the call
   * @param sourceOffset where the 4096 bytes start in {@code source}
   */
  void page(int blockIndex, long offsetInBlock, MemorySegment source, long sourceOffset);

  /** A page that is all zero; parameters as in {@link #page}. */
  void zeroPage(int blockIndex, long offsetInBlock);
}

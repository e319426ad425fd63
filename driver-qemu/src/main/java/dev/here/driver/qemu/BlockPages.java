package dev.here.driver.qemu;

import dev.here.formats.qemu.RamBlock;
import dev.here.formats.qemu.RamSink;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.PageSink;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Turns pages of RAM blocks into pages of the backing. The blocks must be those that the protection
 * was prepared for: the standby's memory was laid out by them.
 */
final class BlockPages implements RamSink {
  private final List<QemuRamBlock> expected;
  private final int[] firstPage;
  private PageSink sink;
  private int pageCount;

  BlockPages(List<QemuRamBlock> expected, PageSink sink) {
    this.expected = List.copyOf(expected);
    this.sink = sink;
    firstPage = new int[expected.size()];
    long startBytes = 0;
    for (int i = 0; i < firstPage.length; i++) {
      firstPage[i] = Math.toIntExact(startBytes / PAGE_BYTES);
      startBytes += expected.get(i).usedBytes();
    }
  }

  /** Sends the next pages to {@code next} and counts them from 0. */
  void restart(PageSink next) {
    sink = next;
    pageCount = 0;
  }

  /** Pages delivered since the last {@link #restart}. */
  int pageCount() {
    return pageCount;
  }

  @Override
  public void blocks(List<RamBlock> blocks) {
    boolean same = blocks.size() == expected.size();
    for (int i = 0; same && i < blocks.size(); i++) {
      same =
          blocks.get(i).name().equals(expected.get(i).name())
              && blocks.get(i).sizeBytes() == expected.get(i).usedBytes();
    }
    if (!same) {
      throw new HypervisorException(
          "QEMU sends RAM blocks %s, but showed %s before: protect the guest again"
              .formatted(blocks, expected));
    }
  }

  @Override
  public void page(int blockIndex, long offsetInBlock, MemorySegment source, long sourceOffset) {
    sink.page(firstPage[blockIndex] + (int) (offsetInBlock / PAGE_BYTES), source, sourceOffset);
    pageCount++;
  }

  @Override
  public void zeroPage(int blockIndex, long offsetInBlock) {
    sink.zeroPage(firstPage[blockIndex] + (int) (offsetInBlock / PAGE_BYTES));
    pageCount++;
  }
}

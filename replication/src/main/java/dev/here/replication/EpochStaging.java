package dev.here.replication;

import dev.here.hypervisor.PageSink;
import dev.here.machine.MemoryRegion;
import dev.here.machine.StagedPages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Takes the pages of one checkpoint from a driver, each page once: a page that comes again replaces
 * its earlier copy. Costs 4 octets a guest page beside the staged pages. One writer.
 */
public final class EpochStaging implements PageSink, AutoCloseable {
  private static final int PAGE = MemoryRegion.PAGE_BYTES;
  private static final MemorySegment ZEROS = Arena.global().allocate(PAGE, 64);

  private final Arena arena = Arena.ofShared();
  private final StagedPages pages = new StagedPages();
  private final int pageCount;

  /** By page index: its slot plus one, 0 for a page that is not staged. */
  private final MemorySegment slots;

  public EpochStaging(int pageCount) {
    this.pageCount = pageCount;
    this.slots = arena.allocate(ValueLayout.JAVA_INT, pageCount);
  }

  /** What has been staged. */
  public StagedPages pages() {
    return pages;
  }

  @Override
  public void page(int pageIndex, MemorySegment source, long sourceOffset) {
    int slot = slotOf(pageIndex);
    MemorySegment.copy(source, sourceOffset, pages.chunk(slot), StagedPages.offset(slot), PAGE);
  }

  @Override
  public void zeroPage(int pageIndex) {
    page(pageIndex, ZEROS, 0);
  }

  private int slotOf(int pageIndex) {
    if (pageIndex < 0 || pageIndex >= pageCount) {
      throw new ReplicationException(
          "the driver delivered page %d of a guest of %d pages".formatted(pageIndex, pageCount));
    }
    int slot = slots.getAtIndex(ValueLayout.JAVA_INT, pageIndex);
    if (slot == 0) {
      slot = pages.reserve(pageIndex) + 1;
      slots.setAtIndex(ValueLayout.JAVA_INT, pageIndex, slot);
    }
    return slot - 1;
  }

  /** Forgets all pages; their memory is kept for the next epoch. */
  public void clear() {
    for (int slot = 0; slot < pages.count(); slot++) {
      slots.setAtIndex(ValueLayout.JAVA_INT, pages.pageIndex(slot), 0);
    }
    pages.clear();
  }

  @Override
  public void close() {
    pages.close();
    arena.close();
  }
}

package dev.here.testkit;

import dev.here.hypervisor.PageSink;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A page sink that keeps a copy of the guest's memory, as a replica would. */
public final class RecordedPages implements PageSink {
  private static final int PAGE = 4096;

  private final MemorySegment memory;
  private int delivered;

  /** For a backing of {@code sizeBytes} octets; begins as zeros. */
  public RecordedPages(Arena owner, long sizeBytes) {
    memory = owner.allocate(sizeBytes, PAGE);
  }

  @Override
  public void page(int pageIndex, MemorySegment source, long sourceOffset) {
    MemorySegment.copy(source, sourceOffset, memory, (long) pageIndex * PAGE, PAGE);
    delivered++;
  }

  @Override
  public void zeroPage(int pageIndex) {
    memory.asSlice((long) pageIndex * PAGE, PAGE).fill((byte) 0);
    delivered++;
  }

  /** The copy. */
  public MemorySegment memory() {
    return memory;
  }

  /** Pages delivered so far. */
  public int delivered() {
    return delivered;
  }
}

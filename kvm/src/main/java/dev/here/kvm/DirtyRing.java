package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.MappedMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * One vCPU's ring of dirty pages ({@link KvmVm#enableDirtyRing}; Documentation/virt/kvm/api.rst,
 * section 8.29). KVM fills it at the head; {@link #harvest} takes entries at the tail and marks
 * them for {@link KvmVm#resetDirtyRings}, which protects the pages again. Flags are read with
 * acquire and written with release order, as KVM_CAP_DIRTY_LOG_RING_ACQ_REL demands.
 *
 * <p>A page may appear in the rings of several vCPUs. A full ring makes KVM_RUN return {@link
 * KvmExit#KVM_EXIT_DIRTY_RING_FULL}. Pages that the VMM itself writes appear in no ring.
 */
public final class DirtyRing implements AutoCloseable {
  /** KVM_DIRTY_LOG_PAGE_OFFSET. */
  static final long PAGE_OFFSET = 64;

  /** KVM_DIRTY_GFN_F_DIRTY. */
  static final int DIRTY = 1;

  /** KVM_DIRTY_GFN_F_RESET. */
  static final int RESET = 2;

  private static final long ENTRY_BYTES = VmLayouts.DIRTY_GFN.byteSize();
  private static final long SLOT = 4;
  private static final long OFFSET = 8;
  private static final VarHandle FLAGS = JAVA_INT.varHandle();

  private final MappedMemory mapping;
  private final MemorySegment entries;
  private final int mask;
  private int tail;

  DirtyRing(KvmVcpu vcpu, int sizeBytes) {
    this.mapping =
        MappedMemory.shared(
            vcpu.descriptor(), PAGE_OFFSET * MappedMemory.PAGE_SIZE_BYTES, sizeBytes);
    this.entries = mapping.segment();
    this.mask = (int) (sizeBytes / ENTRY_BYTES) - 1;
  }

  /** Receives harvested pages. */
  @FunctionalInterface
  public interface PageConsumer {
    /**
     * One dirty page.
     *
     * @param slot memory slot (upper 16 bits: the address space, 0 without SMM)
     * @param page index of the page in the slot
     */
    void page(int slot, long page);
  }

  /**
   * Hands out every entry that is there; allocates nothing. One thread at a time.
   *
   * @return how many; when it isn't 0, call {@link KvmVm#resetDirtyRings} (once for all vCPUs)
   */
  public int harvest(PageConsumer consumer) {
    int count = 0;
    for (; ; ) {
      long at = (tail & mask) * ENTRY_BYTES;
      int flags = (int) FLAGS.getAcquire(entries, at);
      if ((flags & DIRTY) == 0) {
        return count;
      }
      consumer.page(entries.get(JAVA_INT, at + SLOT), entries.get(JAVA_LONG, at + OFFSET));
      FLAGS.setRelease(entries, at, RESET);
      tail++;
      count++;
    }
  }

  @Override
  public void close() {
    mapping.close();
  }
}

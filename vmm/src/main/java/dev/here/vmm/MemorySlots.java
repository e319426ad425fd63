package dev.here.vmm;

import dev.here.kvm.KvmVm;
import dev.here.machine.DirtySet;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * KVM's memory slots for a memory map: one slot a region, read-only for ROM (a guest's write exits
 * and is dropped). Also KVM's dirty log, merged over all slots by place in the backing, so that an
 * alias counts once. Guarded by the platform's lock; vCPUs may run while slots change, the slots of
 * regions that did not change are left alone.
 */
final class MemorySlots {
  private static final int PAGES_PER_WORD = 64;

  private record Slot(int number, MemoryRegion region) {
    int pageCount() {
      return Math.toIntExact(region.sizeBytes() / MemoryRegion.PAGE_BYTES);
    }

    int firstPage() {
      return Math.toIntExact(region.backingOffset() / MemoryRegion.PAGE_BYTES);
    }
  }

  private final KvmVm vm;
  private final long backingHva;
  private final DirtySet orphans;
  private final List<Slot> slots = new ArrayList<>();
  private final MemorySegment bitmap;
  private boolean logging;
  private int nextNumber;
  private final List<Integer> freeNumbers = new ArrayList<>();

  /**
   * Makes a slot for every region.
   *
   * @param arena lives as long as this
   * @param backing the backing file, mapped; it must stay so until the VM is closed
   */
  MemorySlots(KvmVm vm, Arena arena, MemorySegment backing, MemoryMap map) {
    this.vm = vm;
    this.backingHva = backing.address();
    this.orphans = new DirtySet(arena, map.pageCount());
    this.bitmap = arena.allocate(KvmVm.dirtyBitmapBytes(map.backingSizeBytes()), 8);
    remap(map);
  }

  /** Regions have moved: slots follow. What a vanished slot had logged is kept. */
  void remap(MemoryMap map) {
    List<MemoryRegion> wanted = new ArrayList<>(map.regions());
    for (int at = slots.size() - 1; at >= 0; at--) {
      Slot slot = slots.get(at);
      if (!wanted.remove(slot.region)) {
        if (logs(slot)) {
          collect(slot, orphans);
        }
        vm.removeMemoryRegion(slot.number);
        freeNumbers.add(slot.number);
        slots.remove(at);
      }
    }
    for (MemoryRegion region : wanted) {
      int number = freeNumbers.isEmpty() ? nextNumber++ : freeNumbers.removeLast();
      Slot slot = new Slot(number, region);
      set(slot);
      slots.add(slot);
    }
  }

  /** Turns KVM's dirty log on, with nothing in it, or off. */
  void logDirtyPages(boolean on) {
    if (logging != on) {
      logging = on;
      orphans.clear();
      for (Slot slot : slots) {
        if (slot.region.kind() != MemoryKind.ROM) {
          set(slot);
        }
      }
    }
  }

  /** Whether the dirty log is on. */
  boolean logging() {
    return logging;
  }

  /**
   * Adds every page that vCPUs have written since the last call (or since logging began) and starts
   * anew for them. Exact while no vCPU runs; otherwise a page written meanwhile comes with the next
   * call at the latest.
   */
  void takeDirty(DirtySet into) {
    into.addAll(orphans);
    orphans.clear();
    for (int at = 0; at < slots.size(); at++) {
      Slot slot = slots.get(at);
      if (logs(slot)) {
        collect(slot, into);
      }
    }
  }

  private boolean logs(Slot slot) {
    return logging && slot.region.kind() != MemoryKind.ROM;
  }

  private void set(Slot slot) {
    MemoryRegion region = slot.region;
    int flags = region.kind() == MemoryKind.ROM ? KvmVm.READ_ONLY : 0;
    if (logs(slot)) {
      flags |= KvmVm.LOG_DIRTY_PAGES;
    }
    vm.memoryRegion(
        slot.number, region.gpa(), region.sizeBytes(), backingHva + region.backingOffset(), flags);
  }

  /** One slot's log into the set, then protected again, both in whole words of 64 pages. */
  private void collect(Slot slot, DirtySet into) {
    vm.dirtyLog(slot.number, bitmap);
    int words = (slot.pageCount() + PAGES_PER_WORD - 1) / PAGES_PER_WORD;
    int first = -1;
    int last = -1;
    for (int at = 0; at < words; at++) {
      long word = bitmap.getAtIndex(ValueLayout.JAVA_LONG, at);
      if (word != 0) {
        add(into, slot.firstPage() + at * PAGES_PER_WORD, word);
        first = first < 0 ? at : first;
        last = at;
      }
    }
    if (first >= 0) {
      int firstPage = first * PAGES_PER_WORD;
      int pages = Math.min((last + 1) * PAGES_PER_WORD, slot.pageCount()) - firstPage;
      vm.clearDirtyLog(slot.number, firstPage, pages, bitmap.asSlice(first * 8L));
    }
  }

  private static void add(DirtySet into, int firstPage, long word) {
    MemorySegment words = into.words();
    long at = firstPage / PAGES_PER_WORD;
    int shift = firstPage % PAGES_PER_WORD;
    words.setAtIndex(
        ValueLayout.JAVA_LONG, at, words.getAtIndex(ValueLayout.JAVA_LONG, at) | word << shift);
    if (shift != 0 && word >>> PAGES_PER_WORD - shift != 0) {
      words.setAtIndex(
          ValueLayout.JAVA_LONG,
          at + 1,
          words.getAtIndex(ValueLayout.JAVA_LONG, at + 1) | word >>> PAGES_PER_WORD - shift);
    }
  }
}

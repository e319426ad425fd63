package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The table from GSIs (which irqfds name) to interrupt controllers' pins or MSI messages
 * (KVM_SET_GSI_ROUTING replaces the whole table at once). With a split irqchip, KVM also learns
 * from the entries of the IOAPIC's pins, given as MSIs, which vectors' EOIs it must report
 * (KVM_EXIT_IOAPIC_EOI): the first {@code pins} GSIs are the IOAPIC's.
 */
public final class GsiRouting {
  /** KVM_MAX_IRQ_ROUTES. */
  public static final int MAX_ENTRIES = 4096;

  static final int KVM_IRQ_ROUTING_IRQCHIP = 1;
  static final int KVM_IRQ_ROUTING_MSI = 2;

  private record Entry(int gsi, int type, int word0, int word1, int word2) {}

  private final List<Entry> entries = new ArrayList<>();

  /** Routes a GSI to an MSI message. */
  public GsiRouting msi(int gsi, long address, int data) {
    entries.add(new Entry(gsi, KVM_IRQ_ROUTING_MSI, (int) address, (int) (address >>> 32), data));
    return this;
  }

  /**
   * Routes a GSI to a pin of an interrupt controller inside KVM (0 PIC master, 1 slave, 2 IOAPIC).
   */
  public GsiRouting irqchip(int gsi, int irqchip, int pin) {
    entries.add(new Entry(gsi, KVM_IRQ_ROUTING_IRQCHIP, irqchip, pin, 0));
    return this;
  }

  public int size() {
    return entries.size();
  }

  long byteSize() {
    return VmLayouts.ROUTING_HEADER.byteSize()
        + entries.size() * VmLayouts.ROUTING_ENTRY.byteSize();
  }

  void put(MemorySegment table) {
    table.set(JAVA_INT, 0, entries.size());
    long at = VmLayouts.ROUTING_HEADER.byteSize();
    for (Entry entry : entries) {
      table.set(JAVA_INT, at, entry.gsi);
      table.set(JAVA_INT, at + 4, entry.type);
      table.set(JAVA_INT, at + 16, entry.word0);
      table.set(JAVA_INT, at + 20, entry.word1);
      table.set(JAVA_INT, at + 24, entry.word2);
      at += VmLayouts.ROUTING_ENTRY.byteSize();
    }
  }
}

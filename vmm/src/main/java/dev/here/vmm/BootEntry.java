package dev.here.vmm;

import dev.here.machine.DescriptorTable;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;

/**
 * How the first vCPU begins an image: its registers; everything else is as after power-on.
 *
 * @param general general-purpose registers
 * @param system segments and control registers; {@code apicBase} is taken from the vCPU
 */
record BootEntry(GeneralRegisters general, SystemRegisters system) {
  /** Selectors of the Linux boot protocol; PVH and multiboot leave them open. */
  static final int CODE_SELECTOR = 0x10;

  static final int DATA_SELECTOR = 0x18;

  private static final long CR0_PE = 1;
  private static final long CR0_ET = 1L << 4;
  private static final long CR0_PG = 1L << 31;
  private static final long CR4_PAE = 1L << 5;
  private static final long EFER_LME = 1L << 8;
  private static final long EFER_LMA = 1L << 10;
  private static final int RFLAGS_RESERVED = 2;
  private static final int TYPE_CODE = 11;
  private static final int TYPE_DATA = 3;
  private static final int TYPE_BUSY_TSS = 11;
  private static final int TYPE_LDT = 2;

  /** 32-bit flat protected mode without paging, interrupts off (PVH, multiboot). */
  static BootEntry protectedMode(long entryGpa, long eax, long ebx) {
    return new BootEntry(
        general(entryGpa, eax, ebx, 0), system(flat(CODE_SELECTOR, TYPE_CODE, false), 0, 0, 0, 0));
  }

  /**
   * 64-bit mode with the page tables at {@code pageTablesGpa} and a descriptor table at {@code
   * gdtGpa}, interrupts off (Linux).
   */
  static BootEntry longMode(
      long entryGpa, long rsi, long stackGpa, long pageTablesGpa, long gdtGpa) {
    GeneralRegisters general =
        new GeneralRegisters(
            0, 0, 0, 0, rsi, 0, stackGpa, 0, 0, 0, 0, 0, 0, 0, 0, 0, entryGpa, RFLAGS_RESERVED);
    return new BootEntry(
        general,
        system(
            flat(CODE_SELECTOR, TYPE_CODE, true),
            CR0_PG,
            pageTablesGpa,
            EFER_LME | EFER_LMA,
            gdtGpa));
  }

  private static GeneralRegisters general(long rip, long rax, long rbx, long rsi) {
    return new GeneralRegisters(
        rax, rbx, 0, 0, rsi, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, rip, RFLAGS_RESERVED);
  }

  private static SystemRegisters system(Segment code, long cr0, long cr3, long efer, long gdtGpa) {
    Segment data = flat(DATA_SELECTOR, TYPE_DATA, false);
    Segment task =
        new Segment(0, 0, 0x67, TYPE_BUSY_TSS, 0, false, true, false, false, false, false, false);
    Segment ldt =
        new Segment(0, 0, 0xffff, TYPE_LDT, 0, false, true, false, false, false, false, false);
    return new SystemRegisters(
        code,
        data,
        data,
        data,
        data,
        data,
        task,
        ldt,
        new DescriptorTable(gdtGpa, gdtGpa == 0 ? 0 : 4 * 8 - 1),
        new DescriptorTable(0, 0),
        cr0 | CR0_PE | CR0_ET,
        0,
        cr3,
        efer == 0 ? 0 : CR4_PAE,
        0,
        efer,
        0);
  }

  private static Segment flat(int selector, int type, boolean longMode) {
    return new Segment(
        selector, 0, 0xffffffffL, type, 0, true, true, false, longMode, !longMode, true, false);
  }
}

package dev.here.formats.qemu;

import dev.here.machine.IoApicState;
import dev.here.machine.PicChip;
import dev.here.machine.PicState;
import java.util.ArrayList;
import java.util.List;

/**
 * The two 8259A and the I/O APIC. Facts: QEMU 7.2's hw/intc/i8259_common.c, ioapic_common.c and the
 * KVM variants beside hw/i386/kvm; Intel's 8259A and 82093AA data sheets.
 */
final class QemuInterruptTranslation {
  private static final int MASTER_LEVEL_CAPABLE = 0xf8;
  private static final int SLAVE_LEVEL_CAPABLE = 0xde;
  private static final long IOAPIC_GPA = 0xfec00000L;

  /** KVM's own I/O APIC says 11h, QEMU's 20h. */
  private static final int KVM_IOAPIC_VERSION = 0x11;

  private static final int QEMU_IOAPIC_VERSION = 0x20;

  private final VmState state;

  QemuInterruptTranslation(VmState state) {
    this.state = state;
  }

  PicState pic() {
    return new PicState(
        chip(state.require("i8259", 0), MASTER_LEVEL_CAPABLE),
        chip(state.require("i8259", 1), SLAVE_LEVEL_CAPABLE));
  }

  /** Levels of the ISA interrupts, which the chips note. */
  int isaWires() {
    int wires = 0;
    for (int i = 0; i < 2; i++) {
      wires |= state.require("i8259", i).number("last_irr", 0, 255) << 8 * i;
    }
    return wires;
  }

  private static PicChip chip(VmStruct chip, int levelCapable) {
    if (chip.flag("single_mode")) {
      throw new QemuStreamException(
          -1, chip.path("single_mode") + " is set: a PC's interrupt controllers are cascaded");
    }
    return new PicChip(
        chip.number("irr", 0, 255),
        chip.number("imr", 0, 255),
        chip.number("isr", 0, 255),
        chip.number("last_irr", 0, 255),
        chip.number("elcr", 0, 255),
        levelCapable,
        chip.number("priority_add", 0, 7),
        chip.number("irq_base", 0, 255),
        chip.number("init_state", 0, 3),
        chip.flag("read_reg_select"),
        chip.flag("poll"),
        chip.flag("special_mask"),
        chip.flag("auto_eoi"),
        chip.flag("rotate_on_auto_eoi"),
        chip.flag("special_fully_nested_mode"),
        chip.flag("init4"));
  }

  /**
   * The I/O APIC.
   *
   * @param inKernel KVM's own
   */
  IoApicState ioApic(boolean inKernel) {
    VmStruct chip = state.require("ioapic", 0);
    List<Long> entries = new ArrayList<>();
    for (long entry : chip.numbers("ioredtbl", 24)) {
      entries.add(entry);
    }
    return new IoApicState(
        chip.number("id", 0, 15),
        IOAPIC_GPA,
        chip.number("ioregsel", 0, 255),
        inKernel ? KVM_IOAPIC_VERSION : QEMU_IOAPIC_VERSION,
        chip.number("irr"),
        entries);
  }
}

package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.IoApicState;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.PciState;
import dev.here.machine.PicChip;
import dev.here.machine.PicState;

/**
 * The two 8259A and the I/O APIC with the wires that lead to them. Facts: Xen 4.17's
 * xen/arch/x86/hvm/irq.c, vpic.c, vioapic.c and include/asm/hvm/irq.h.
 */
final class XenInterruptTranslation {
  static final int MASTER_LEVEL_CAPABLE = 0xf8;
  static final int SLAVE_LEVEL_CAPABLE = 0xde;
  private static final int IOAPIC_VERSION = 0x11;
  private static final int CASCADE = 2;
  private static final int MODE_MASTER = 6;
  private static final int ROUTE_REGISTERS = 0x60;

  private final HvmContext context;
  private final XenLosses losses;

  XenInterruptTranslation(HvmContext context, XenLosses losses) {
    this.context = context;
    this.losses = losses;
  }

  PicState pic() {
    HvmPic slave = context.require(HvmPic.class, 1);
    int wires = isaWires();
    int master = wires & 0xff & ~(1 << CASCADE) | (slave.intOutput() != 0 ? 1 << CASCADE : 0);
    return new PicState(
        chip(context.require(HvmPic.class, 0), master, MASTER_LEVEL_CAPABLE),
        chip(slave, wires >> 8, SLAVE_LEVEL_CAPABLE));
  }

  /** Xen marks the cascade as level-triggered, which it is for Xen only. */
  private static PicChip chip(HvmPic chip, int lines, int levelCapable) {
    int init = chip.initAndPriority() & 15;
    if ((init & 8) != 0 && (init & 3) != 0) {
      throw new XenFormatException(
          -1, "PIC %d is being set up as a single one".formatted(chip.instance()));
    }
    int modes = chip.modes();
    return new PicChip(
        chip.irr(),
        chip.imr(),
        chip.isr(),
        lines,
        chip.elcr() & levelCapable,
        levelCapable,
        chip.initAndPriority() >> 4 & 7,
        chip.irqBase(),
        init & 3,
        bit(modes, 0),
        bit(modes, 1),
        bit(modes, 5),
        bit(modes, 2),
        bit(modes, 3),
        bit(modes, 4),
        (init & 4) != 0);
  }

  private static boolean bit(long value, int bit) {
    return (value >>> bit & 1) != 0;
  }

  /** Levels of the 16 ISA interrupts: their own wires and what PIRQs are routed to them. */
  private int isaWires() {
    int wires = (int) context.require(HvmIsaIrqs.class, 0).wires() & 0xffff;
    Bytes route = context.require(HvmPciLinks.class, 0).route();
    for (int device = 0; device < 32; device++) {
      for (int pin = 0; pin < 4; pin++) {
        int to = route.at(device + pin & 3);
        if (pciWire(device, pin) && to != 0) {
          wires |= 1 << (to & 15);
        }
      }
    }
    return wires;
  }

  private boolean pciWire(int device, int pin) {
    int wire = 4 * device + pin;
    return bit(context.require(HvmPciIrqs.class, 0).wires().get(wire / 64), wire % 64);
  }

  IoApicState ioApic() {
    HvmIoApic chip = context.require(HvmIoApic.class, 0);
    int isa = isaWires();
    // ISA interrupt 0 is at pin 2, and nothing at pin 0.
    long lines = isa & ~5 | (isa & 1) << 2;
    for (int device = 0; device < 32; device++) {
      for (int pin = 0; pin < 4; pin++) {
        if (pciWire(device, pin)) {
          lines |= 1L << pin(device, pin);
        }
      }
    }
    return new IoApicState(
        (int) chip.id() & 15,
        chip.baseAddress(),
        (int) chip.ioregsel() & 0xff,
        IOAPIC_VERSION,
        lines,
        chip.redirtbl());
  }

  /** The I/O APIC's input of a PCI device's INTx. */
  static int pin(int device, int intx) {
    return (4 * device + (device >> 3) + intx & 31) + 16;
  }

  /** Compares what the device model says of wires and routing, which the VMM goes by. */
  void compare(PciState pci) {
    int[] levels = new int[32];
    for (PciFunction function : pci.functions()) {
      if (function.address().bus() == 0) {
        levels[function.address().device()] |= function.intxLevel();
      }
      if (function.role() == PciRole.ISA_BRIDGE) {
        compareRoutes(function);
      }
    }
    for (int device = 0; device < 32; device++) {
      for (int pin = 0; pin < 4; pin++) {
        if (pciWire(device, pin) != bit(levels[device], pin)) {
          losses.add(
              "PCI_IRQ/wire %d:%d".formatted(device, pin),
              pciWire(device, pin) ? 1 : 0,
              "the device model has the other level, which counts");
        }
      }
    }
  }

  private void compareRoutes(PciFunction bridge) {
    Bytes route = context.require(HvmPciLinks.class, 0).route();
    for (int link = 0; link < 4; link++) {
      int register = bridge.config().at(ROUTE_REGISTERS + link);
      int due = (register & 0x80) != 0 ? 0 : register & 15;
      if (route.at(link) != due) {
        losses.add(
            "PCI_LINK/route " + link,
            route.at(link),
            "the ISA bridge's register %xh has %xh, which counts"
                .formatted(ROUTE_REGISTERS + link, register));
      }
    }
  }

  /** The octet of modes of a chip for Xen. */
  static int modes(PicChip chip, boolean master) {
    return (chip.readIsr() ? 1 : 0)
        | (chip.poll() ? 1 << 1 : 0)
        | (chip.autoEoi() ? 1 << 2 : 0)
        | (chip.rotateOnAutoEoi() ? 1 << 3 : 0)
        | (chip.specialFullyNested() ? 1 << 4 : 0)
        | (chip.specialMask() ? 1 << 5 : 0)
        | (master ? 1 << MODE_MASTER : 0);
  }
}

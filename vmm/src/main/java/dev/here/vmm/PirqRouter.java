package dev.here.vmm;

import dev.here.machine.PciAddress;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * From INTx wires to interrupts. On a PIIX3 (Intel 82371SB data sheet, section 2.3.7) the slots'
 * wires are rotated onto PIRQA# to PIRQD#, which registers of the ISA bridge route to ISA
 * interrupts. A machine with more than 24 inputs at its I/O APIC is wired as Xen wires it: each
 * slot also has inputs from 16 on (Xen, tools/firmware/hvmloader and xen/arch/x86/hvm/irq.c).
 * Guarded by the platform's lock.
 */
final class PirqRouter implements PciInterruptRouting {
  private static final int PIRQS = 4;
  private static final int DISABLED = 0x80;
  private static final int FIRST_PCI_INPUT = 16;
  private static final int PCI_INPUTS = 32;

  private final IntFunction<InterruptLine> wires;
  private final boolean direct;
  private final boolean[] asserted = new boolean[32 * 8 * 4];
  private final int[] counts = new int[PIRQS];
  private final int[] routes = {DISABLED, DISABLED, DISABLED, DISABLED};
  private final @Nullable InterruptLine[] isaLines = new @Nullable InterruptLine[PIRQS * 16];
  private final @Nullable InterruptLine[] directLines =
      new @Nullable InterruptLine[asserted.length];

  /**
   * @param wires gives a source on the wire of a global system interrupt
   * @param pins inputs of the I/O APIC
   */
  PirqRouter(IntFunction<InterruptLine> wires, int pins) {
    this.wires = wires;
    this.direct = pins >= FIRST_PCI_INPUT + PCI_INPUTS;
  }

  /** The routing register of PIRQ {@code pirq} (0 to 3): bit 7 none, else an ISA interrupt. */
  void route(int pirq, int register) {
    if (routes[pirq] != register) {
      isaLine(pirq, false);
      routes[pirq] = register;
    }
    isaLine(pirq, counts[pirq] > 0);
  }

  @Override
  public void set(PciAddress function, int pin, boolean level) {
    int wire = (function.device() << 3 | function.function()) << 2 | pin;
    int slot = function.device();
    int pirq = (direct ? slot + pin : slot - 1 + pin) & 3;
    if (asserted[wire] != level) {
      asserted[wire] = level;
      counts[pirq] += level ? 1 : -1;
    }
    isaLine(pirq, counts[pirq] > 0);
    if (direct) {
      InterruptLine line = directLines[wire];
      if (line == null) {
        int input = ((slot << 2) + (slot >> 3) + pin & PCI_INPUTS - 1) + FIRST_PCI_INPUT;
        line = wires.apply(input);
        directLines[wire] = line;
      }
      line.set(level);
    }
  }

  private void isaLine(int pirq, boolean level) {
    int route = routes[pirq];
    if ((route & DISABLED) != 0) {
      return;
    }
    int at = pirq * 16 + (route & 0xf);
    InterruptLine line = isaLines[at];
    if (line == null) {
      line = wires.apply(route & 0xf);
      isaLines[at] = line;
    }
    line.set(level);
  }
}

package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.LapicState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A local APIC. Xen does not keep the timer's current count in the register page, nor when it
 * began: on its own restore a timer begins anew. Facts: Xen 4.17's xen/arch/x86/hvm/vlapic.c.
 */
final class XenApicTranslation {
  private static final int LVT_TIMER = 0x320;
  private static final int INITIAL_COUNT = 0x380;
  private static final int CURRENT_COUNT = 0x390;

  private final XenLosses losses;

  XenApicTranslation(XenLosses losses) {
    this.losses = losses;
  }

  /**
   * The register page. A one-shot timer fires at once: an early interrupt only makes the guest look
   * at its clock, a late one stalls it. A periodic timer begins a new period.
   */
  LapicState lapic(HvmLapic hidden, HvmLapicRegisters registers) {
    byte[] page = registers.data().toArray();
    ByteBuffer fields = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
    int initial = fields.getInt(INITIAL_COUNT);
    int mode = fields.getInt(LVT_TIMER) >> 17 & 3;
    if (initial != 0 && mode < 2) {
      boolean periodic = mode == 1;
      fields.putInt(CURRENT_COUNT, periodic ? initial : 1);
      losses.add(
          "LAPIC_REGS %d/current count".formatted(registers.instance()),
          Integer.toUnsignedLong(initial),
          periodic
              ? "Xen does not save the rest of the period; the timer begins a new one"
              : "Xen does not save the rest; the timer fires at once");
      losses.add(
          "LAPIC %d/bus clock".formatted(hidden.instance()),
          XenMachineTranslator.LAPIC_HERTZ,
          "the guest's APIC timer counts 100 MHz; a hypervisor with another rate (KVM: 1 GHz) lets"
              + " it fire at other times than the guest asked for");
    }
    return new LapicState(Bytes.of(page));
  }
}

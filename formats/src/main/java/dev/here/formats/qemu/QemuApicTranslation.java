package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.LapicState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A local APIC's register page from its {@code apic} section. Register numbers: AMD64 APM volume 2,
 * table 16-2; the section's fields: QEMU 7.2's hw/intc/apic_common.c and hw/i386/kvm/apic.c.
 */
final class QemuApicTranslation {
  private static final int ID = 0x20;
  private static final int VERSION = 0x30;
  private static final int TPR = 0x80;
  private static final int LDR = 0xd0;
  private static final int DFR = 0xe0;
  private static final int SPURIOUS = 0xf0;
  private static final int ISR = 0x100;
  private static final int TMR = 0x180;
  private static final int IRR = 0x200;
  private static final int ESR = 0x280;
  private static final int ICR_LOW = 0x300;
  private static final int ICR_HIGH = 0x310;
  private static final int LVT = 0x320;
  private static final int INITIAL_COUNT = 0x380;
  private static final int CURRENT_COUNT = 0x390;
  private static final int DIVIDE = 0x3e0;

  /** KVM's APIC: version 14h with six entries in the local vector table. */
  private static final int VERSION_VALUE = 0x50014;

  private static final int LVT_ENTRIES = 6;
  private static final long BASE_X2APIC = 1 << 10;

  private final VmStruct apic;
  private final Losses losses;
  private final long virtualNanos;

  QemuApicTranslation(VmStruct apic, Losses losses, long virtualNanos) {
    this.apic = apic;
    this.losses = losses;
    this.virtualNanos = virtualNanos;
  }

  /**
   * The register page as the guest reads it: in x2APIC mode the id register holds the whole id.
   *
   * @param apicId the vCPU's APIC id, which the section must agree with
   */
  LapicState lapic(int apicId) {
    ByteBuffer page = ByteBuffer.allocate(LapicState.REGISTER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    boolean x2apic = (apic.number("apicbase") & BASE_X2APIC) != 0;
    int id = apic.number("id", 0, 255);
    if (x2apic && id != (apicId & 0xff)) {
      throw new QemuStreamException(
          -1, apic.path("id") + " is " + id + ", the vCPU's APIC id is " + apicId);
    }
    page.putInt(ID, x2apic ? apicId : id << 24);
    page.putInt(VERSION, VERSION_VALUE);
    page.putInt(TPR, apic.number("tpr", 0, 255));
    page.putInt(LDR, x2apic ? logicalX2(apicId) : apic.number("log_dest", 0, 255) << 24);
    page.putInt(DFR, x2apic ? 0 : apic.number("dest_mode", 0, 15) << 28 | 0x0fffffff);
    page.putInt(SPURIOUS, (int) apic.number("spurious_vec"));
    registers(page, ISR, apic.numbers("isr", 8));
    registers(page, TMR, apic.numbers("tmr", 8));
    registers(page, IRR, apic.numbers("irr", 8));
    page.putInt(ESR, (int) apic.number("esr"));
    long[] icr = apic.numbers("icr", 2);
    page.putInt(ICR_LOW, (int) icr[0]);
    page.putInt(ICR_HIGH, (int) icr[1]);
    registers(page, LVT, apic.numbers("lvt", LVT_ENTRIES));
    page.putInt(INITIAL_COUNT, (int) apic.number("initial_count"));
    page.putInt(CURRENT_COUNT, (int) currentCount());
    page.putInt(DIVIDE, apic.number("divide_conf", 0, 15));
    return new LapicState(Bytes.of(page.array()));
  }

  /** In x2APIC mode: cluster in the high half, one bit of sixteen in the low one. */
  private static int logicalX2(int apicId) {
    return apicId >> 4 << 16 | 1 << (apicId & 15);
  }

  private static void registers(ByteBuffer page, int first, long[] values) {
    for (int i = 0; i < values.length; i++) {
      page.putInt(first + 16 * i, (int) values[i]);
    }
  }

  /**
   * The timer's count. QEMU does not take it from KVM: it sets the load time to the instant of
   * capture. A one-shot timer then has an unknown rest, and QEMU itself lets it fire at once after
   * a migration; 1 does the same. A periodic timer begins a new period.
   */
  private long currentCount() {
    long initial = apic.number("initial_count");
    long timer = apic.numbers("lvt", LVT_ENTRIES)[0];
    long mode = timer >> 17 & 3;
    long loaded = apic.number("initial_count_load_time");
    if (initial == 0 || mode > 1) {
      return 0;
    }
    boolean periodic = mode == 1;
    if (loaded >= virtualNanos) {
      losses.add(
          apic.path("current count"),
          initial,
          periodic
              ? "QEMU does not send the rest of the period; the timer begins a new one"
              : "QEMU does not send the rest; the timer fires at once, as after its own migration");
      return periodic ? initial : 1;
    }
    long divide = apic.number("divide_conf", 0, 15);
    int shift = (int) ((divide & 3 | divide >> 1 & 4) + 1 & 7);
    long ticks = virtualNanos - loaded >> shift;
    if (periodic) {
      return initial - Long.remainderUnsigned(ticks, initial + 1);
    }
    return Math.max(0, initial - ticks);
  }
}

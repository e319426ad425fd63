package dev.here.vmm;

/**
 * The interrupt wires of a PC: global system interrupts 0 to 15 end at both the 8259 pair and the
 * I/O APIC, the others at the I/O APIC alone. ISA interrupt 0 is input 2 of the I/O APIC. Several
 * sources on one wire are an OR. Guarded by the platform's lock.
 *
 * <p>While devices are being put in place after a restore the wires settle: levels are taken as
 * they are found and raise nothing, for their edges came before. {@link #start} ends that.
 */
public final class Interrupts {
  private static final int ISA_WIRES = 16;
  private static final int TIMER_PIN = 2;

  private final Pic pic;
  private final IoApic ioApic;
  private final int[] asserting;
  private boolean settling = true;

  public Interrupts(Pic pic, IoApic ioApic) {
    this.pic = pic;
    this.ioApic = ioApic;
    this.asserting = new int[Math.max(ISA_WIRES, ioApic.pins())];
    ioApic.settle();
  }

  /** A further source on the wire of global system interrupt {@code gsi}; not asserted yet. */
  public InterruptLine line(int gsi) {
    if (gsi < 0 || gsi >= asserting.length) {
      throw new IllegalArgumentException(
          "interrupt %d does not exist, there are %d".formatted(gsi, asserting.length));
    }
    return new InterruptLine() {
      private boolean level;

      @Override
      public void set(boolean asserted) {
        if (asserted != level) {
          level = asserted;
          asserting[gsi] += asserted ? 1 : -1;
        }
        drive(gsi, asserting[gsi] > 0);
      }
    };
  }

  /** How many wires there are. */
  public int wires() {
    return asserting.length;
  }

  /** Every device is in its place: from now on edges are edges. */
  public void start() {
    settling = false;
    ioApic.settled();
  }

  private void drive(int gsi, boolean asserted) {
    if (gsi < ISA_WIRES && gsi != TIMER_PIN) {
      if (settling) {
        pic.settle(gsi, asserted);
      } else {
        pic.line(gsi, asserted);
      }
    }
    int pin = gsi == 0 ? TIMER_PIN : gsi;
    if (pin < ioApic.pins() && gsi != TIMER_PIN) {
      ioApic.line(pin, asserted);
    }
  }
}

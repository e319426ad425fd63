package dev.here.machine;

/**
 * A local APIC as the guest would read it at the instant of capture. Layout: AMD64 APM volume 2,
 * chapter 16: one 32-bit register every 16 octets.
 *
 * @param registers the first 1024 octets of the register page; the current count (0x390) is the
 *     count at the instant of capture
 */
public record LapicState(Bytes registers) {
  /** Octets of the register page that are kept. */
  public static final int REGISTER_BYTES = 1024;

  public LapicState {
    Bounds.length("lapic.registers", registers, REGISTER_BYTES);
  }
}

package dev.here.kvm;

/** Whether a vCPU runs or waits (KVM_MP_STATE_ of linux/kvm.h, the x86 part). */
public enum MpState {
  RUNNABLE(0),
  UNINITIALIZED(1),
  INIT_RECEIVED(2),
  HALTED(3),
  SIPI_RECEIVED(4),
  AP_RESET_HOLD(9);

  private final int number;

  MpState(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /** The state of a number; IllegalArgumentException when x86 has none such. */
  public static MpState of(int number) {
    for (MpState state : values()) {
      if (state.number == number) {
        return state;
      }
    }
    throw new IllegalArgumentException("KVM_MP_STATE " + number + " isn't one of x86");
  }
}

package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * The VM's paravirtual clock (struct kvm_clock_data).
 *
 * @param nanos kvmclock, nanoseconds since the VM's creation as the guest sees them
 * @param flags KVM_CLOCK_ bits: which of the other members are valid, and whether the TSC is stable
 * @param realtimeNanos the host's wall clock at the same instant, with {@link #REALTIME}
 * @param hostTsc the host's TSC at the same instant, with {@link #HOST_TSC}
 */
public record KvmClock(long nanos, int flags, long realtimeNanos, long hostTsc) {
  /** KVM_CLOCK_TSC_STABLE: the guest's vCPUs all see one clock. */
  public static final int TSC_STABLE = 2;

  /** KVM_CLOCK_REALTIME; when it is set in KVM_SET_CLOCK, time since then is added. */
  public static final int REALTIME = 4;

  /** KVM_CLOCK_HOST_TSC. */
  public static final int HOST_TSC = 8;

  /** A clock that goes on from {@code nanos} at the moment of setting it. */
  public static KvmClock at(long nanos) {
    return new KvmClock(nanos, 0, 0, 0);
  }

  static KvmClock get(MemorySegment data) {
    return new KvmClock(
        data.get(JAVA_LONG, 0),
        data.get(JAVA_INT, 8),
        data.get(JAVA_LONG, 16),
        data.get(JAVA_LONG, 24));
  }

  void put(MemorySegment data) {
    data.set(JAVA_LONG, 0, nanos);
    data.set(JAVA_INT, 8, flags & REALTIME);
    data.set(JAVA_LONG, 16, realtimeNanos);
    data.set(JAVA_LONG, 24, hostTsc);
  }
}

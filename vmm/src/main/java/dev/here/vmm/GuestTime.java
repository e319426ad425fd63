package dev.here.vmm;

import dev.here.kvm.Kvm;
import dev.here.kvm.KvmCapability;
import dev.here.kvm.KvmClock;
import dev.here.kvm.KvmVcpu;
import dev.here.kvm.KvmVm;
import dev.here.machine.ClockState;
import java.time.Instant;
import java.util.List;

/**
 * Keeps a guest's clocks going on together: time-stamp counters, KVM's paravirtual clock and the
 * clock of the devices. All continue from the instant of capture plus what passed since then, each
 * reckoned at the moment when it is set, so that they agree among themselves to microseconds
 * (docs/decisions/guest-time.md).
 */
final class GuestTime {
  /** A state older than this is continued as if no time had passed. */
  private static final long MAX_ELAPSED_NANOS = 10_000_000_000L;

  /** KVM's own tolerance between a guest's TSC rate and the host's. */
  private static final long TOLERANCE_PPM = 250;

  private static final ClockState UNKNOWN = new ClockState(0, 0, 0, 0);

  private final KvmVm vm;
  private ClockState captured = UNKNOWN;
  private long elapsedAtBegin;
  private long beginNanos;
  private boolean pendingClock;
  private long kvmClockAtPause;
  private long realtimeAtPause;
  private long monotonicAtPause;

  GuestTime(KvmVm vm) {
    this.vm = vm;
  }

  /**
   * Guest time that passed since a capture, by the hosts' wall clocks: 0 when they disagree, or
   * when the capture is so old that it is a restore and not a take-over.
   */
  static long elapsedSince(ClockState captured) {
    long elapsed = realtimeNanos() - captured.realtimeNanos();
    return captured.realtimeNanos() == 0 || elapsed < 0 || elapsed > MAX_ELAPSED_NANOS
        ? 0
        : elapsed;
  }

  private static long realtimeNanos() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  /** A state is being loaded; {@code elapsedNanos} have passed since its capture. */
  void begin(ClockState state, long elapsedNanos) {
    captured = state;
    elapsedAtBegin = elapsedNanos;
    beginNanos = System.nanoTime();
    pendingClock = true;
  }

  private long sinceCaptureNanos() {
    return elapsedAtBegin + System.nanoTime() - beginNanos;
  }

  /** What to add to a captured time-stamp counter that is set now. */
  long tscTicksSinceCapture() {
    long nanos = sinceCaptureNanos();
    return nanos / 1_000_000 * captured.tscKhz()
        + nanos % 1_000_000 * captured.tscKhz() / 1_000_000;
  }

  /**
   * Gives a vCPU the captured counter's rate.
   *
   * @throws VmmException when the host's processor cannot
   */
  void matchTscRate(Kvm kvm, KvmVcpu vcpu) {
    long wanted = captured.tscKhz();
    long host = vcpu.tscKhz();
    if (wanted == 0 || wanted == host) {
      return;
    }
    long ppm = Math.abs(wanted - host) * 1_000_000 / host;
    if (ppm > TOLERANCE_PPM && !kvm.supports(KvmCapability.KVM_CAP_TSC_CONTROL)) {
      throw new VmmException(
          "the guest's time-stamp counter runs at %d kHz, this host's at %d, and its processor cannot scale: use hosts of one rate"
              .formatted(wanted, host));
    }
    if (ppm > TOLERANCE_PPM || wanted > host) {
      vcpu.tscKhz(Math.toIntExact(wanted));
    }
  }

  /** Called right before the guest runs. */
  void resume(List<KvmVcpu> vcpus, SystemClock devices) {
    if (pendingClock) {
      pendingClock = false;
      vm.clock(KvmClock.at(captured.kvmClockNanos() + sinceCaptureNanos()));
      devices.advance(sinceCaptureNanos());
    }
    vcpus.forEach(KvmVcpu::noteGuestStopped);
  }

  /** The guest stands still: the instant that a state saved now is of. */
  void pause() {
    kvmClockAtPause = vm.clock().nanos();
    realtimeAtPause = realtimeNanos();
    monotonicAtPause = System.nanoTime();
  }

  /** The clocks at the last pause; of a machine that never ran, those that it was loaded with. */
  ClockState clockState(long tscKhz) {
    return pendingClock
        ? captured
        : new ClockState(tscKhz, kvmClockAtPause, realtimeAtPause, monotonicAtPause);
  }
}

package dev.here.kvm;

import dev.here.ffi.NoOpSignal;
import dev.here.ffi.Threads;

/**
 * Makes a vCPU's thread leave KVM_RUN soon, from any thread.
 *
 * <p>{@link #kick} sets immediate_exit first and then, only when the thread may be inside KVM_RUN,
 * sends it a signal that does nothing. Whichever way the two cross, the thread comes out: before
 * entering it sees immediate_exit, inside it gets the signal. KVM_RUN then returns {@link
 * KvmExit#KVM_EXIT_INTR}; the loop calls {@link #acknowledge} <em>before</em> it looks at what is
 * asked of it, so that a later request can't be lost:
 *
 * <pre>
 *   for (;;) {
 *     kick.acknowledge();
 *     handle requests
 *     reason = vcpu.run();
 *   }
 * </pre>
 */
public final class VcpuKick {
  private final KvmRun run;
  private volatile int tid;
  private volatile boolean inside;

  VcpuKick(KvmRun run) {
    this.run = run;
  }

  /** Called by the thread that will run the vCPU, a platform thread, before its first run. */
  public void bindToThisThread() {
    NoOpSignal.prepareThread();
    tid = Threads.tid();
  }

  void entering() {
    inside = true;
  }

  void left() {
    inside = false;
  }

  /** Makes KVM_RUN return, or the next one if none is under way. */
  public void kick() {
    run.immediateExit(true);
    int thread = tid;
    if (inside && thread != 0) {
      Threads.signal(thread, NoOpSignal.NUMBER);
    }
  }

  /** The vCPU's thread has noticed; it may enter KVM_RUN again. */
  public void acknowledge() {
    run.immediateExit(false);
  }
}

package dev.here.vmm;

import dev.here.ffi.Threads;
import dev.here.kvm.KvmExit;
import dev.here.kvm.KvmRun;
import dev.here.kvm.KvmVcpu;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One vCPU's thread. It stands parked until {@link #run}, then runs the guest and answers its exits
 * on the buses, with the platform's lock held for each access.
 *
 * <pre>
 *   PARKED --run()--> RUNNING --park()--> PARKED      end() from either: ENDED
 * </pre>
 *
 * <p>A vCPU parks only at an instruction's end: an access that has been answered is taken in by
 * KVM, and a vector taken from the 8259 has reached the guest.
 */
final class VcpuLoop {
  private enum Request {
    PARK,
    RUN,
    END
  }

  private static final long REKICK_NANOS = 1_000_000;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final KvmVcpu vcpu;
  private final boolean takesExternalInterrupts;
  private final PortBus ports;
  private final MmioBus mmio;
  private final ReentrantLock platformLock;
  private final VcpuPlatform platform;
  private final Thread thread;
  private final ReentrantLock gate = new ReentrantLock();
  private final Condition changed = gate.newCondition();
  private volatile Request request = Request.PARK;
  private boolean standing;
  private boolean vectorGiven;
  private volatile int tid;

  /**
   * @param takesExternalInterrupts whether the 8259's output is wired to this vCPU
   */
  VcpuLoop(
      KvmVcpu vcpu,
      boolean takesExternalInterrupts,
      PortBus ports,
      MmioBus mmio,
      ReentrantLock platformLock,
      VcpuPlatform platform) {
    this.vcpu = vcpu;
    this.takesExternalInterrupts = takesExternalInterrupts;
    this.ports = ports;
    this.mmio = mmio;
    this.platformLock = platformLock;
    this.platform = platform;
    this.thread =
        Thread.ofPlatform().name("vcpu-" + vcpu.id()).daemon().unstarted(this::serveRequests);
    thread.start();
    awaitStanding();
  }

  KvmVcpu vcpu() {
    return vcpu;
  }

  /** Lets the guest run; returns at once. */
  void run() {
    ask(Request.RUN);
  }

  /** Asks the vCPU to stand still; {@link #awaitStanding} waits until it does. */
  void park() {
    ask(Request.PARK);
    vcpu.kick().kick();
  }

  /** Makes the thread look at the 8259 again. */
  void kick() {
    vcpu.kick().kick();
  }

  /** Ends the thread; the vCPU may be closed afterwards. */
  void end() {
    ask(Request.END);
    while (thread.isAlive()) {
      vcpu.kick().kick();
      try {
        thread.join(1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Waits until the vCPU stands still after {@link #park}. */
  void awaitStanding() {
    gate.lock();
    try {
      while (!standing && thread.isAlive()) {
        long left = changed.awaitNanos(REKICK_NANOS);
        if (left <= 0 && !standing) {
          vcpu.kick().kick();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new VmmException("interrupted while vCPU " + vcpu.id() + " came to a stand", e);
    } finally {
      gate.unlock();
    }
  }

  /** Whether the vCPU's thread sleeps, which it does while the guest is halted or parked. */
  boolean sleeping() {
    try {
      String stat = Files.readString(Path.of("/proc/self/task/" + tid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) == 'S';
    } catch (IOException e) {
      return false;
    }
  }

  /** CPU time of the thread, nanoseconds; time inside the guest counts. */
  long cpuNanos() {
    return Math.max(0, THREADS.getThreadCpuTime(thread.threadId()));
  }

  private void ask(Request what) {
    gate.lock();
    try {
      // A vCPU that fails while all are being ended has all of them parked.
      if (request != Request.END) {
        request = what;
      }
      if (what == Request.RUN) {
        standing = false;
      }
      changed.signalAll();
    } finally {
      gate.unlock();
    }
  }

  private void serveRequests() {
    vcpu.kick().bindToThisThread();
    tid = Threads.tid();
    while (true) {
      vcpu.kick().acknowledge();
      switch (request) {
        case PARK -> standStill();
        case RUN -> runOnce();
        case END -> {
          return;
        }
      }
    }
  }

  private void standStill() {
    settle();
    gate.lock();
    try {
      while (request == Request.PARK) {
        standing = true;
        changed.signalAll();
        changed.awaitUninterruptibly();
      }
    } finally {
      gate.unlock();
    }
    refresh();
  }

  /**
   * What KVM last said of the vCPU may be of another state than it has been given since. A vCPU
   * that is halted and seems not ready for an interrupt would sleep on: KVM opens an interrupt
   * window only for one that runs.
   */
  private void refresh() {
    try {
      enterAndLeave();
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  /**
   * Lets KVM finish an access and tell how the vCPU stands, without an instruction of the guest.
   */
  private void enterAndLeave() {
    vcpu.kick().kick();
    for (int reason = vcpu.run(); reason != KvmExit.KVM_EXIT_INTR; reason = vcpu.run()) {
      answer(reason);
      vcpu.kick().kick();
    }
  }

  /** Brings the vCPU to an instruction's end without letting the guest run further. */
  private void settle() {
    try {
      while (vectorGiven) {
        vcpu.kick().acknowledge();
        answer(runGuest());
      }
      enterAndLeave();
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  private void runOnce() {
    try {
      if (takesExternalInterrupts) {
        offerExternalInterrupt();
      }
      answer(runGuest());
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  /**
   * KVM keeps a given vector to itself until the guest takes it, and tells nobody; but while it
   * does, interrupts are enabled in the guest and KVM is not ready for another.
   */
  private int runGuest() {
    int reason = vcpu.run();
    KvmRun exit = vcpu.exit();
    vectorGiven &= exit.interruptFlag() && !exit.readyForInterruptInjection();
    return reason;
  }

  private void fail(RuntimeException cause) {
    platform.stopped("vCPU " + vcpu.id() + " failed: " + cause.getMessage());
    gate.lock();
    try {
      vectorGiven = false;
      if (request == Request.RUN) {
        request = Request.PARK;
      }
    } finally {
      gate.unlock();
    }
  }

  private void offerExternalInterrupt() {
    KvmRun exit = vcpu.exit();
    if (!platform.externalInterruptRequested() || request != Request.RUN) {
      exit.requestInterruptWindow(false);
      return;
    }
    if (exit.readyForInterruptInjection() && !vectorGiven) {
      platformLock.lock();
      try {
        int vector = platform.acknowledgeExternalInterrupt();
        if (vector >= 0) {
          vcpu.interrupt(vector);
          vectorGiven = true;
        }
      } finally {
        platformLock.unlock();
      }
    }
    exit.requestInterruptWindow(platform.externalInterruptRequested());
  }

  private void answer(int reason) {
    KvmRun exit = vcpu.exit();
    switch (reason) {
      case KvmExit.KVM_EXIT_INTR, KvmExit.KVM_EXIT_IRQ_WINDOW_OPEN -> {}
      case KvmExit.KVM_EXIT_IO -> answerPorts(exit);
      case KvmExit.KVM_EXIT_MMIO -> answerMemory(exit);
      case KvmExit.KVM_EXIT_IOAPIC_EOI -> endOfInterrupt(exit.eoiVector());
      case KvmExit.KVM_EXIT_SHUTDOWN -> platform.reset("triple fault on vCPU " + vcpu.id());
      case KvmExit.KVM_EXIT_SYSTEM_EVENT -> platform.reset(exit.describe());
      default ->
          throw new VmmException(
              "KVM left the guest with %s, which this VMM does not serve"
                  .formatted(exit.describe()));
    }
  }

  /** String instructions bring several elements at once. */
  private void answerPorts(KvmRun exit) {
    int port = exit.ioPort();
    int sizeBytes = exit.ioSizeBytes();
    int count = exit.ioCount();
    platformLock.lock();
    try {
      for (int index = 0; index < count; index++) {
        if (exit.ioIsWrite()) {
          ports.write(port, sizeBytes, exit.ioData(index));
        } else {
          exit.ioData(index, ports.read(port, sizeBytes));
        }
      }
    } finally {
      platformLock.unlock();
    }
  }

  private void answerMemory(KvmRun exit) {
    long gpa = exit.mmioGpa();
    int sizeBytes = exit.mmioSizeBytes();
    platformLock.lock();
    try {
      if (exit.mmioIsWrite()) {
        mmio.write(gpa, sizeBytes, exit.mmioData());
      } else {
        exit.mmioData(mmio.read(gpa, sizeBytes));
      }
    } finally {
      platformLock.unlock();
    }
  }

  private void endOfInterrupt(int vector) {
    platformLock.lock();
    try {
      platform.endOfInterrupt(vector);
    } finally {
      platformLock.unlock();
    }
  }
}

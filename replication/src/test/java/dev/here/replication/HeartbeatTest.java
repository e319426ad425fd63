package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EpochBoundary;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.PageSink;
import dev.here.hypervisor.Primary;
import dev.here.machine.MemoryMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HeartbeatTest {
  /** Whoever found the guest's end ends it; the standby hears the heartbeat meanwhile. */
  @Test
  void aGuestWhoseEndIsKnownIsNotEndedHereToo() throws Exception {
    var primary = new EndingPrimary();
    var signal = new LoopSignal();
    Protection usual = Protection.of(new UUID(0, 1), "fake", 1);
    Protection impatient =
        new Protection(
            usual.vm(),
            usual.vmName(),
            usual.vcpus(),
            usual.disks(),
            usual.cards(),
            usual.streams(),
            usual.shadow(),
            new Suspicion.Limits(1, 1, 1, 1),
            TimeUnit.MILLISECONDS.toNanos(1),
            usual.connectNanos(),
            usual.ackNanos(),
            usual.holdNanos(),
            usual.retryNanos());
    try (var heartbeat = new Heartbeat(primary, impatient, signal, () -> 1, () -> true)) {
      heartbeat.start();
      primary.asked.await();
      heartbeat.guestLost();
      primary.answer.countDown();
      long farNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      assertThat(signal.await(farNanos)).as("the time has passed").isFalse();
      // It has done what follows when it waits for its next turn.
      while (primary.asking.getState() != Thread.State.TIMED_WAITING) {
        Thread.sleep(1);
      }
    }
    assertThat(primary.killed).isFalse();
    assertThat(signal.lost()).isEmpty();
  }

  /** Tells the guest's progress once; then a question waits, and the guest has ended. */
  private static final class EndingPrimary implements Primary {
    final CountDownLatch asked = new CountDownLatch(1);
    final CountDownLatch answer = new CountDownLatch(1);
    volatile Thread asking = Thread.currentThread();
    volatile boolean killed;
    private boolean told;

    @Override
    public GuestProgress progress(long timeoutNanos) {
      if (!told) {
        told = true;
        return new GuestProgress(true, false, 1, false);
      }
      asking = Thread.currentThread();
      asked.countDown();
      try {
        answer.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return new GuestProgress(false, false, 1, false);
    }

    @Override
    public void kill() {
      killed = true;
    }

    @Override
    public String hypervisor() {
      return "fake-1";
    }

    @Override
    public MemoryMap memoryMap() {
      throw new UnsupportedOperationException("not asked for");
    }

    @Override
    public void seed(PageSink sink) {
      throw new UnsupportedOperationException("not asked for");
    }

    @Override
    public Capture capture(PageSink sink, EpochBoundary boundary) {
      throw new UnsupportedOperationException("not asked for");
    }

    @Override
    public void close() {}
  }
}

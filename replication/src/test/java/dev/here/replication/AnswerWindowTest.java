package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class AnswerWindowTest {
  private static final long INTERVAL_NANOS = 4_000_000_000L;
  private static final long SHORT_NANOS = 40_000_000L;

  private final LoopSignal signal = new LoopSignal();
  private final AtomicInteger looks = new AtomicInteger();

  private AnswerWindow window(int sentFromLook) {
    return new AnswerWindow(signal, () -> looks.incrementAndGet() >= sentFromLook, () -> false);
  }

  @Test
  void whereTheCommitWasInTimeTheIntervalAloneCounts() throws InterruptedException {
    long now = System.nanoTime();
    window(1).await(now, now + SHORT_NANOS / 2, true, SHORT_NANOS);
    assertThat(System.nanoTime() - now).isGreaterThanOrEqualTo(SHORT_NANOS);
    assertThat(looks).hasValue(0);
  }

  @Test
  void aFrameThatWaitsAlreadyIsNotKeptWaiting() throws InterruptedException {
    long now = System.nanoTime();
    window(1).await(now - 2 * INTERVAL_NANOS, now, true, INTERVAL_NANOS);
    assertThat(looks).hasValue(1);
  }

  @Test
  void afterALateCommitTheGuestRunsUntilItHasSentSomething() throws InterruptedException {
    long now = System.nanoTime();
    window(4).await(now - 2 * INTERVAL_NANOS, now, true, INTERVAL_NANOS);
    assertThat(looks).hasValue(4);
    assertThat(System.nanoTime() - now).isGreaterThanOrEqualTo(INTERVAL_NANOS / 10);
  }

  @Test
  void aGuestThatSendsNothingRunsForOneInterval() throws InterruptedException {
    long now = System.nanoTime();
    window(Integer.MAX_VALUE).await(now - 2 * SHORT_NANOS, now, true, SHORT_NANOS);
    assertThat(System.nanoTime() - now).isGreaterThanOrEqualTo(SHORT_NANOS);
    assertThat(looks.get()).isGreaterThan(1);
  }

  @Test
  void whereNobodyGotAnAnswerNobodyIsWaitedFor() throws InterruptedException {
    long now = System.nanoTime();
    window(Integer.MAX_VALUE).await(now - 2 * INTERVAL_NANOS, now, false, INTERVAL_NANOS);
    assertThat(looks).hasValue(0);
  }

  @Test
  void whoWantsSomethingOfTheLoopDoesNotWait() throws InterruptedException {
    long now = System.nanoTime();
    signal.command(LoopSignal.Command.UNPROTECT);
    window(Integer.MAX_VALUE).await(now - 2 * INTERVAL_NANOS, now, true, INTERVAL_NANOS);
    assertThat(looks).hasValue(0);
  }

  @Test
  void theGuestsTroubleEndsTheWait() throws InterruptedException {
    long now = System.nanoTime();
    var window =
        new AnswerWindow(
            signal,
            () -> {
              if (looks.incrementAndGet() == 2) {
                signal.hurry();
              }
              return false;
            },
            () -> false);
    window.await(now - 2 * INTERVAL_NANOS, now, true, INTERVAL_NANOS);
    assertThat(looks).hasValueLessThan(4);
  }

  @Test
  void aGateThatFillsUpEndsTheInterval() throws InterruptedException {
    long now = System.nanoTime();
    var window = new AnswerWindow(signal, () -> false, () -> looks.incrementAndGet() >= 2);
    window.await(now, now, true, 100 * INTERVAL_NANOS);
    assertThat(looks).hasValue(2);
    assertThat(System.nanoTime() - now).isLessThan(50 * INTERVAL_NANOS);
  }
}

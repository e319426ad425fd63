package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UrgencyTest {
  @Test
  void lastsUntilItIsEndedAndGoesOnInThreadsThatAreStarted() throws Exception {
    onAThreadOfItsOwn(() -> {
      int priority;
      AtomicReference<Integer> inherited = new AtomicReference<>();
      try (Urgency urgency = Urgency.begin()) {
        priority = Threads.priority(0);
        onAThreadOfItsOwn(() -> inherited.set(Threads.priority(0)));
      }
      assertThat(Threads.priority(0)).isZero();
      assumeThat(priority).as("this process may use SCHED_FIFO").isPositive();
      assertThat(inherited).hasValue(priority);
    });
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void onAThreadOfItsOwn(Work work) throws Exception {
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            work.run();
          } catch (Throwable e) {
            failure.set(e);
          }
        })
        .join();
    if (failure.get() instanceof Error error) {
      throw error;
    }
    if (failure.get() instanceof Exception exception) {
      throw exception;
    }
  }
}

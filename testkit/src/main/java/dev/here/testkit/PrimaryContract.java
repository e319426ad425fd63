package dev.here.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.Capture;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.Primary;
import dev.here.machine.MachineState;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every driver's {@link Primary} must keep to. A driver's test extends it and gives a running
 * guest that changes its memory all the time.
 */
public abstract class PrimaryContract {
  private static final long TIMEOUT_NANOS = 2_000_000_000L;

  private final Arena arena = Arena.ofShared();
  private Primary primary;

  /** Starts a guest and takes it as a primary; called before each test. */
  protected abstract Primary start() throws Exception;

  /** Ends what {@link #start} started, whether it still runs or not. */
  protected abstract void stop() throws Exception;

  /**
   * Checks that {@code memory} and {@code state}, a replica of the guest, belong to one moment. A
   * guest that can tell (by a counter in both, for example) makes this a strong test.
   */
  protected abstract void checkConsistent(MemorySegment memory, MachineState state);

  /** For the driver's test class; the guest is made before each test. */
  @SuppressWarnings("NullAway.Init")
  protected PrimaryContract() {}

  @BeforeEach
  void startGuest() throws Exception {
    primary = start();
  }

  @AfterEach
  void stopGuest() throws Exception {
    stop();
    arena.close();
  }

  private RecordedPages replica() {
    return new RecordedPages(arena, primary.memoryMap().backingSizeBytes());
  }

  @Test
  void seedingAndCapturesMakeAConsistentCopy() throws Exception {
    RecordedPages replica = replica();
    primary.seed(replica);
    for (int epoch = 0; epoch < 5; epoch++) {
      Thread.sleep(20);
      Capture capture = primary.capture(replica, () -> {});
      MachineState state = capture.machine().get().state();
      assertThat(state.memory().backingSizeBytes())
          .isEqualTo(primary.memoryMap().backingSizeBytes());
      checkConsistent(replica.memory(), state);
    }
  }

  @Test
  void eachCaptureTellsTheBoundaryOnceAndItsPause() {
    RecordedPages replica = replica();
    primary.seed(replica);
    AtomicInteger boundaries = new AtomicInteger();
    Capture capture = primary.capture(replica, boundaries::incrementAndGet);
    assertThat(boundaries).hasValue(1);
    assertThat(capture.pause().pauseNanos()).isPositive();
    assertThat(capture.pageCount()).isNotNegative();
  }

  @Test
  void theGuestRunsOnAfterACapture() throws Exception {
    primary.seed(replica());
    primary.capture(replica(), () -> {});
    long before = primary.progress(TIMEOUT_NANOS).executedNanos();
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (primary.progress(TIMEOUT_NANOS).executedNanos() == before) {
      assertThat(System.nanoTime()).as("the guest gets on").isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  @Test
  void aKilledGuestIsGone() {
    primary.seed(replica());
    primary.kill();
    assertThat(primary.progress(TIMEOUT_NANOS).alive()).isFalse();
    assertThatThrownBy(() -> primary.capture(replica(), () -> {}))
        .isInstanceOf(HypervisorGoneException.class);
  }

  @Test
  void itNamesItself() {
    assertThat(primary.hypervisor()).isNotBlank();
  }
}

package dev.here.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.Standby;
import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every driver's {@link Standby} must keep to. A driver's test extends it and gives a state
 * and a memory from which a guest can run.
 */
public abstract class StandbyContract {
  private static final long TIMEOUT_NANOS = 2_000_000_000L;

  private Standby standby;

  /** A warm standby that is not prepared yet; called before each test. */
  protected abstract Standby open() throws Exception;

  /** A state that this standby can carry. */
  protected abstract MachineState state();

  /** A state as it comes from a primary. */
  protected abstract EncodedState encoded(MachineState state);

  /** Fills the replica's memory so that a guest runs from {@link #state}. */
  protected abstract void fill(MemorySegment memory);

  /** For the driver's test class; the standby is made before each test. */
  @SuppressWarnings("NullAway.Init")
  protected StandbyContract() {}

  @BeforeEach
  void prepare() throws Exception {
    standby = open();
    standby.prepare(state().memory(), state().vcpus().size());
  }

  @AfterEach
  void close() {
    standby.close();
  }

  @Test
  void theReplicasMemoryBeginsAsZerosAndIsWritable() {
    MemorySegment memory = standby.memory();
    assertThat(memory.byteSize()).isEqualTo(state().memory().backingSizeBytes());
    for (long offset = 0; offset < memory.byteSize(); offset += 4096) {
      assertThat(memory.get(ValueLayout.JAVA_BYTE, offset)).isZero();
    }
    memory.set(ValueLayout.JAVA_BYTE, memory.byteSize() - 1, (byte) 7);
    assertThat(standby.memory().get(ValueLayout.JAVA_BYTE, memory.byteSize() - 1))
        .isEqualTo((byte) 7);
  }

  @Test
  void aGoodStateIsAcceptedAndAgain() {
    assertThatCode(
            () -> {
              standby.validate(encoded(state()));
              standby.validate(encoded(state()));
              standby.validate(encoded(state()));
            })
        .doesNotThrowAnyException();
  }

  @Test
  void theGuestRunsAfterActivation() {
    fill(standby.memory());
    standby.validate(encoded(state()));
    standby.activate(encoded(state()));
    assertThatTheGuestRuns();
  }

  private void assertThatTheGuestRuns() {
    assertThat(standby.progress(TIMEOUT_NANOS).alive()).isTrue();
    assertThat(standby.progress(TIMEOUT_NANOS).paused()).isFalse();
  }

  @Test
  void theGuestRunsFromAStateThatWasNotValidatedHere() {
    fill(standby.memory());
    standby.activate(encoded(state()));
    assertThatTheGuestRuns();
  }

  @Test
  void whatIsNoStateIsRefusedAndTheGuestRunsFromTheStateBefore() {
    fill(standby.memory());
    EncodedState good = encoded(state());
    standby.validate(good);
    EncodedState bad =
        new EncodedState(
            Bytes.of(new byte[] {'{', '}'}),
            octets -> {
              throw new IllegalArgumentException("no machine state");
            });
    assertThatThrownBy(() -> standby.validate(bad)).isInstanceOf(RuntimeException.class);
    standby.activate(good);
    assertThatTheGuestRuns();
  }

  @Test
  void itNamesItself() {
    assertThat(standby.hypervisor()).isNotBlank();
  }
}

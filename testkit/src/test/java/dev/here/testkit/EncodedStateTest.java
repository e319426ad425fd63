package dev.here.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.EncodedState;
import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EncodedStateTest {
  private static final Bytes OCTETS = Bytes.of(new byte[] {1, 2});
  private static final MachineState STATE = SampleMachine.state(1, 1, 16);

  @Test
  void isDecodedWhenItIsAskedForAndOnce() {
    AtomicInteger decodings = new AtomicInteger();
    EncodedState state =
        new EncodedState(
            OCTETS,
            octets -> {
              assertThat(octets).containsExactly(1, 2);
              decodings.incrementAndGet();
              return STATE;
            });
    assertThat(state.octets()).isEqualTo(OCTETS);
    assertThat(decodings).hasValue(0);
    assertThat(state.decoded()).isSameAs(state.decoded()).isEqualTo(STATE);
    assertThat(decodings).hasValue(1);
  }

  @Test
  void throwsWhatItsDecoderThrows() {
    EncodedState state =
        new EncodedState(
            OCTETS,
            octets -> {
              throw new InvalidMachineStateException("no state");
            });
    assertThatThrownBy(state::decoded)
        .isInstanceOf(InvalidMachineStateException.class)
        .hasMessage("no state");
  }

  @Test
  void isEqualByItsOctets() {
    EncodedState state = new EncodedState(OCTETS, octets -> STATE);
    EncodedState same = new EncodedState(Bytes.of(new byte[] {1, 2}), octets -> STATE);
    assertThat(state).isEqualTo(same).hasSameHashCodeAs(same);
    assertThat(state).isNotEqualTo(new EncodedState(Bytes.EMPTY, octets -> STATE));
  }
}

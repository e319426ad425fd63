package dev.here.formats.state;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.MachineState;

/** The two ways in which a machine state is written and read: by hand and by data binding. */
public final class BothWays {
  private BothWays() {}

  /** Both write {@code state} in the same octets, and both read it back from them. */
  public static void agreeOn(MachineState state) {
    byte[] bound = StateBinding.MAPPER.writeValueAsBytes(state);
    assertThat(MachineStateCodec.text(StateWriter.encode(state)))
        .isEqualTo(MachineStateCodec.text(bound));
    assertThat(StateReader.tryDecode(bound)).contains(state);
    assertThat(StateBinding.decode(bound, MachineState.class)).isEqualTo(state);
  }

  /**
   * Whether {@code json} is read by hand; what is, data binding must read as the same state. The
   * other way round it need not be.
   */
  static boolean readByHand(byte[] json) {
    var state = StateReader.tryDecode(json);
    if (state.isPresent()) {
      assertThat(StateBinding.decode(json, MachineState.class))
          .as(() -> MachineStateCodec.text(json))
          .isEqualTo(state.get());
    }
    return state.isPresent();
  }
}

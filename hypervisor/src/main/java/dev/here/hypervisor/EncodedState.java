package dev.here.hypervisor;

import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import java.util.Optional;
import java.util.function.Function;

/**
 * A machine state as it came from the primary, which only those decode who need what is in it; it
 * is equal to another of the same octets. What decodes it is given, since this module knows no
 * format.
 */
public final class EncodedState {
  private final Bytes octets;
  private final Function<byte[], MachineState> decoder;
  private Optional<MachineState> decoded = Optional.empty();

  /**
   * @param octets may be anything: nobody has looked at them
   * @param decoder throws what it likes at octets that are no machine state
   */
  public EncodedState(Bytes octets, Function<byte[], MachineState> decoder) {
    this.octets = octets;
    this.decoder = decoder;
  }

  /** The octets as they came. */
  public Bytes octets() {
    return octets;
  }

  /** The state itself, decoded once; throws what the decoder throws. */
  public synchronized MachineState decoded() {
    if (decoded.isEmpty()) {
      decoded = Optional.of(decoder.apply(octets.toArray()));
    }
    return decoded.get();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EncodedState state && octets.equals(state.octets);
  }

  @Override
  public int hashCode() {
    return octets.hashCode();
  }
}

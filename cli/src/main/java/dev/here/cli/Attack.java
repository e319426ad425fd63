package dev.here.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** What the demo does to the protected guest's hypervisor or host. */
enum Attack {
  CRASH(
      "the guest writes to port 0x501, and its QEMU ends at once. QEMU's isa-debug-exit device"
          + " stands in for a zero-day: a bug in this hypervisor that its guest can trigger"),
  KILL("SIGKILL to the guest's QEMU"),
  HANG("SIGSTOP to the guest's QEMU: it is there and does not run"),
  HOST_POWER("the first host's power fails"),
  HOST_HANG("the first host stands still, with its connections open; it goes on later"),
  PARTITION("the hosts no longer reach each other; client and witness still reach both");

  private final String explanation;

  Attack(String explanation) {
    this.explanation = explanation;
  }

  /** As in {@code --attack}. */
  String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What happens, for people. */
  String explanation() {
    return explanation;
  }

  /** Whether the guest has to go on at the standby; after a partition its primary keeps it. */
  boolean movesGuest() {
    return this != PARTITION;
  }

  /** Whether only the hypervisor is lost, and the guest with it. */
  boolean leavesHost() {
    return this == CRASH || this == KILL || this == HANG;
  }

  /** All words, for messages. */
  static String words() {
    return Arrays.stream(values()).map(Attack::word).collect(Collectors.joining(", "));
  }

  /** Reads {@link #word}s. */
  static final class Converter implements ITypeConverter<Attack> {
    @Override
    public Attack convert(String text) {
      return Arrays.stream(values())
          .filter(attack -> attack.word().equals(text))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("no attack \"%s\": %s".formatted(text, words())));
    }
  }
}

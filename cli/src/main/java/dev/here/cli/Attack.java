package dev.here.cli;

import java.util.Locale;

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

  /** Reads {@link #word}s. */
  static final class Converter extends WordConverter<Attack> {
    Converter() {
      super("attack", values(), Attack::word);
    }
  }
}

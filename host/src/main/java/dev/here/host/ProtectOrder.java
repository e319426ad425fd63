package dev.here.host;

import dev.here.replication.BoundedDegradation;
import dev.here.replication.FixedInterval;
import dev.here.replication.IntervalPolicy;
import java.nio.file.Path;

/**
 * What a keeper is told to do, kept in its folder as long as the protection is wanted.
 *
 * @param name the VM's name, unique among the hosts that share a witness
 * @param guest what names the guest, as {@link GuestReference#parse} reads it
 * @param host the host that runs the guest
 * @param to the standby's name
 * @param toHost the standby's address
 * @param toPort and port
 * @param witness connect string of the third party
 * @param tokenFile the peers' shared secret
 * @param fixedIntervalMillis 0 for a bounded policy
 * @param maxDegradation for a bounded policy
 * @param maxIntervalMillis for a bounded policy
 * @param suspectAfterMillis how long a hypervisor or a peer may be silent
 * @param inherits fencing token of the lease that this host's daemon has of a guest that it took
 *     over, and that becomes the keeper's; 0 where nobody owns the VM
 */
record ProtectOrder(
    String name,
    String guest,
    String host,
    String to,
    String toHost,
    int toPort,
    String witness,
    String tokenFile,
    long fixedIntervalMillis,
    double maxDegradation,
    long maxIntervalMillis,
    long suspectAfterMillis,
    long inherits) {
  private static final long MILLI = 1_000_000;

  /** Shortest interval of a bounded policy. */
  private static final long MIN_INTERVAL_NANOS = 5 * MILLI;

  ProtectOrder {
    if (!name.matches("[A-Za-z0-9._-]{1,64}")) {
      throw new HostException(
          "VM name '" + name + "' is not usable: take letters, digits, dots and dashes");
    }
    if (fixedIntervalMillis < 0 || fixedIntervalMillis > 60_000) {
      throw new HostException(
          "an interval of %d ms is not possible, take 1 to 60000".formatted(fixedIntervalMillis));
    }
    if (fixedIntervalMillis == 0
        && !(maxDegradation > 0
            && maxDegradation < 1
            && maxIntervalMillis >= 10
            && maxIntervalMillis <= 60_000)) {
      throw new HostException(
          "degradation %.3f with an interval of at most %d ms is not possible; take more than 0 %% and less than 100 %%, 10 to 60000 ms"
              .formatted(maxDegradation, maxIntervalMillis));
    }
  }

  /** When to end an epoch. */
  IntervalPolicy policy() {
    return fixedIntervalMillis > 0
        ? new FixedInterval(fixedIntervalMillis * MILLI)
        : new BoundedDegradation(maxDegradation, MIN_INTERVAL_NANOS, maxIntervalMillis * MILLI);
  }

  /** Reads an order; refused with its path when it cannot be understood. */
  static ProtectOrder read(Path file) {
    return JsonFile.read(file, ProtectOrder.class);
  }

  /** Writes the order; it appears whole or not at all. */
  void write(Path file) {
    JsonFile.write(file, this);
  }
}

package dev.here.host;

import dev.here.hypervisor.GuestProgress;
import dev.here.replication.FailoverState;
import dev.here.replication.FailoverTimes;
import dev.here.replication.Verdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A replica for the API.
 *
 * @param vm the VMM's control socket
 * @param reason in words, what keeps it from its normal state; empty for nothing
 * @param committedEpoch last checkpoint that could be started, 0 for none
 * @param cards what the guest's cards are joined to here, for people
 * @param failover how long the take-over took, once there was one
 * @param guest progress of a guest that runs here
 */
record ReplicaView(
    String name,
    String vm,
    String hypervisor,
    FailoverState state,
    Verdict verdict,
    String reason,
    long committedEpoch,
    List<String> cards,
    Optional<FailoverTimes> failover,
    Optional<GuestProgress> guest) {
  private static final String FILE = "takenover.json";

  /** Keeps it beside a guest that was taken over, for a daemon that starts again. */
  void write(Path folder) {
    JsonFile.write(folder.resolve(FILE), this);
  }

  /** Empty when the daemon ended before it could write it. */
  static Optional<ReplicaView> read(Path folder) {
    return Files.exists(folder.resolve(FILE))
        ? Optional.of(JsonFile.read(folder.resolve(FILE), ReplicaView.class))
        : Optional.empty();
  }

  ReplicaView now(String reasonNow, GuestProgress guestNow) {
    return new ReplicaView(
        name,
        vm,
        hypervisor,
        state,
        verdict,
        reasonNow,
        committedEpoch,
        cards,
        failover,
        Optional.of(guestNow));
  }
}

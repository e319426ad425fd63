package dev.here.cli;

import dev.here.lab.CounterSummary;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a run of the demo saw.
 *
 * @param protection the last figures before the attack
 * @param failoverSeenNanos from the attack until the guest was seen running at the standby; empty
 *     when it never was
 * @param failover the standby's own times
 * @param client what the client with the one long connection saw, from start to end
 * @param requestsBeforeAttack requests answered when the attack began
 * @param replayAnswer what the guest answered to the same attack after the failover
 * @param clockBefore the guest's clock before the attack
 * @param clockAfter the guest's clock at the end
 * @param journal the guest's own check of the file on its RAM file system, at the end
 * @param selfTest what processes that check their own memory found, at the end, if there were any
 * @param owners hosts on which the guest runs at the end
 * @param failback what was seen on the way back to the first host, if there was one
 */
record DemoFacts(
    DemoPair pair,
    Attack attack,
    ProtectionView protection,
    OptionalLong failoverSeenNanos,
    Optional<ReplicaView.Times> failover,
    CounterSummary client,
    long requestsBeforeAttack,
    String replayAnswer,
    GuestClock clockBefore,
    GuestClock clockAfter,
    String journal,
    Optional<String> selfTest,
    List<String> owners,
    Optional<DemoFailback.Seen> failback) {

  /** Where the guest should run at the end. */
  String destination() {
    return attack.movesGuest() && failback.isEmpty() ? pair.standby() : pair.primary();
  }
}

package dev.here.cli;

import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * A replica as the daemon of its standby tells it (API: GET /v1/status, {@code replicas}).
 *
 * @param state a name of {@code FailoverState}
 * @param verdict a name of {@code Verdict}
 * @param failover where the time of the failover went; empty before one
 */
record ReplicaView(
    String name,
    String state,
    String verdict,
    String reason,
    long committedEpoch,
    Optional<Times> failover) {

  /**
   * Parts of a failover, nanoseconds.
   *
   * @param detectNanos from the last sign of life to the decision
   */
  record Times(long detectNanos, long leaseNanos, long fenceNanos, long activateNanos) {
    /** From the decision to the guest's first instruction. */
    long decidedToRunningNanos() {
      return leaseNanos + fenceNanos + activateNanos;
    }
  }

  static ReplicaView from(JsonNode node) {
    JsonNode times = node.path("failover");
    return new ReplicaView(
        node.path("name").asString(""),
        node.path("state").asString(""),
        node.path("verdict").asString(""),
        node.path("reason").asString(""),
        node.path("committedEpoch").asLong(0),
        times.isObject()
            ? Optional.of(
                new Times(
                    times.path("silenceNanos").asLong(0),
                    times.path("acquireNanos").asLong(0),
                    times.path("fenceNanos").asLong(0),
                    times.path("activateNanos").asLong(0)))
            : Optional.empty());
  }

  boolean runs() {
    return state.equals("RUNNING") || state.equals("ACTIVATING");
  }
}

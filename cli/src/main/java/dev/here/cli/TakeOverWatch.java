package dev.here.cli;

import java.util.Optional;

/** Watches a host of the lab until a guest whose replica it holds runs there. */
final class TakeOverWatch {
  private static final int MOST_SECONDS = 120;

  private final HostApiOverLab host;
  private final long pollMillis;

  /**
   * @param host where the guest is to run
   * @param pollMillis between two questions; each costs an emulated host time that it takes from
   *     the take-over
   */
  TakeOverWatch(HostApiOverLab host, long pollMillis) {
    this.host = host;
    this.pollMillis = pollMillis;
  }

  /**
   * A guest that runs.
   *
   * @param replica as the host tells of it
   * @param atNanos monotonic time at which it was seen
   */
  record Seen(ReplicaView replica, long atNanos) {}

  /**
   * Returns when the guest runs on the host.
   *
   * @throws HereProgram.Refusal when the host does not take it over, or not in time
   */
  Seen await() {
    Deadline deadline = new Deadline(MOST_SECONDS, "no failover");
    while (true) {
      Optional<ReplicaView> found = host.replica();
      long nowNanos = System.nanoTime();
      String state = found.map(ReplicaView::state).orElse("no replica");
      String reason = found.map(ReplicaView::reason).orElse("");
      switch (state) {
        case "RUNNING" -> {
          return new Seen(found.orElseThrow(), nowNanos);
        }
        case "FAILED", "RELEASED" ->
            throw new HereProgram.Refusal(
                "%s did not take over: %s %s".formatted(host.host(), state, reason));
        default -> deadline.check(state + " " + reason);
      }
      Pauses.millis(pollMillis);
    }
  }
}

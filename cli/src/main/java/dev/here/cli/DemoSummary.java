package dev.here.cli;

import dev.here.lab.CounterSummary;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * The end of a demo, as {@code --json} prints it.
 *
 * @param pair hypervisors of primary and standby
 * @param detectMillis from the attack to the standby's decision; none after a partition, where
 *     nothing has to move
 * @param failoverMillis from the decision to the guest's first instruction at the standby; none
 *     after a partition
 * @param outageMillis the longest time between two answers from the attack on
 * @param failback whether the guest was protected and moved back to the first host
 * @param failbackOutageMillis the longest time between two answers from the second fault on
 */
record DemoSummary(
    String pair,
    String attack,
    long checkpoints,
    double pauseMillisMean,
    double pauseMillisP99,
    Optional<Double> detectMillis,
    Optional<Double> failoverMillis,
    double outageMillis,
    long requests,
    long lost,
    long repeated,
    boolean connectionKept,
    boolean attackReplayedOnStandby,
    boolean guestUptimeContinuous,
    boolean failback,
    Optional<Double> failbackOutageMillis) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  static DemoSummary of(DemoFacts facts) {
    CounterSummary client = facts.client();
    Optional<Double> failover =
        facts.failover().map(times -> millis(times.decidedToRunningNanos()));
    return new DemoSummary(
        facts.pair().word(),
        facts.attack().word(),
        facts.protection().checkpoints(),
        millis(facts.protection().pauseMeanNanos()),
        millis(facts.protection().pauseP99Nanos()),
        detect(facts),
        failover,
        rounded(
            facts
                .failback()
                .map(DemoFailback.Seen::firstOutageMillis)
                .orElse(client.outageMillis())),
        client.requests(),
        client.lost(),
        client.repeated(),
        client.connectionKept(),
        facts.attack().movesGuest() && facts.replayAnswer().equals(DemoVerdict.SURVIVED_ATTACK),
        client.guestUptimeContinuous() && facts.clockAfter().follows(facts.clockBefore()),
        facts.failback().isPresent(),
        facts.failback().map(seen -> rounded(client.outageMillis())));
  }

  /**
   * The standby counts from the last sign of life that it heard. A keeper gives signs of life until
   * it has recognised a hang, so what was seen from outside counts where it is more; not for a
   * crash, whose moment the outside does not know: the request that causes it travels first.
   */
  private static Optional<Double> detect(DemoFacts facts) {
    return facts.failover().map(times -> millis(detectNanos(facts, times)));
  }

  private static long detectNanos(DemoFacts facts, ReplicaView.Times times) {
    return facts.attack() == Attack.CRASH
        ? times.detectNanos()
        : Math.max(
            times.detectNanos(),
            facts.failoverSeenNanos().orElse(0) - times.decidedToRunningNanos());
  }

  private static double millis(long nanos) {
    return rounded(nanos / 1e6);
  }

  private static double rounded(double millis) {
    return Math.round(millis * 10) / 10.0;
  }

  String json() {
    return JSON.writeValueAsString(this);
  }

  /** For people; ends with a line break. */
  String text() {
    StringBuilder text = new StringBuilder();
    line(text, "pair", pair);
    line(text, "attack", attack);
    line(text, "checkpoints", "%,d".formatted(checkpoints));
    line(text, "pause", "mean %.1f ms, p99 %.1f ms".formatted(pauseMillisMean, pauseMillisP99));
    line(text, "detection", time(detectMillis));
    line(text, "failover", time(failoverMillis));
    line(text, "outage", "%.0f ms, as the client saw it".formatted(outageMillis));
    failbackOutageMillis.ifPresent(
        back -> line(text, "and on the way back", "%.0f ms".formatted(back)));
    line(
        text, "requests", "%,d answered, %d lost, %d repeated".formatted(requests, lost, repeated));
    line(text, "TCP connection", connectionKept ? "kept" : "BROKEN");
    line(
        text,
        "same attack again",
        attackReplayedOnStandby ? "survived by the standby" : "not on the standby");
    line(text, "guest's uptime", guestUptimeContinuous ? "continuous" : "NOT CONTINUOUS");
    return text.toString();
  }

  private static String time(Optional<Double> millis) {
    return millis.map(m -> String.format(Locale.ROOT, "%.0f ms", m)).orElse("none");
  }

  private static void line(StringBuilder text, String what, String value) {
    text.append("  %-18s %s%n".formatted(what, value));
  }
}

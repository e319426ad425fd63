package dev.here.cli;

import dev.here.lab.CounterSummary;
import java.util.ArrayList;
import java.util.List;

/** Whether the guest survived with nothing lost. */
final class DemoVerdict {
  /**
   * A run with fewer checkpoints or requests shows nothing.
   *
   * @param checkpoints committed before the attack
   * @param requests answered by the end
   */
  record Minimum(long checkpoints, long requests) {
    static final Minimum OF_A_DEMO = new Minimum(50, 200);
  }

  static final String SURVIVED_ATTACK = "attack survived";

  private DemoVerdict() {}

  /** What went wrong, a line each; empty when the guest survived with nothing lost. */
  static List<String> problems(DemoFacts facts, Minimum minimum) {
    List<String> problems = new ArrayList<>();
    client(facts, minimum, problems);
    if (facts.protection().checkpoints() < minimum.checkpoints()) {
      problems.add(
          "only %d checkpoints, %d are needed"
              .formatted(facts.protection().checkpoints(), minimum.checkpoints()));
    }
    if (!facts.clockAfter().follows(facts.clockBefore())) {
      problems.add(
          "the guest's clock went back: %s, then %s"
              .formatted(facts.clockBefore(), facts.clockAfter()));
    }
    if (!facts.journal().endsWith(" ok")) {
      problems.add("the file on the guest's RAM file system is damaged: " + facts.journal());
    }
    facts
        .selfTest()
        .filter(found -> !found.matches("selftest [1-9][0-9]* 0 2"))
        .ifPresent(
            found -> problems.add("the guest's processes that check their memory say: " + found));
    place(facts, problems);
    return problems;
  }

  private static void client(DemoFacts facts, Minimum minimum, List<String> problems) {
    CounterSummary client = facts.client();
    if (client.lost() != 0) {
      problems.add(client.lost() + " requests lost");
    }
    if (client.repeated() != 0) {
      problems.add(client.repeated() + " requests repeated");
    }
    if (!client.connectionKept()) {
      problems.add("the client's connection broke: " + client.failure());
    }
    if (client.requests() < minimum.requests()) {
      problems.add(
          "only %d requests, %d are needed".formatted(client.requests(), minimum.requests()));
    }
    if (client.requests() <= facts.requestsBeforeAttack()) {
      problems.add("no request was answered after the attack");
    }
    if (!client.guestUptimeContinuous()) {
      problems.add("the guest's uptime is not continuous");
    }
  }

  private static void place(DemoFacts facts, List<String> problems) {
    String expected = facts.destination();
    if (!facts.owners().equals(List.of(expected))) {
      problems.add(
          "the guest runs on %s, it should run on %s alone".formatted(facts.owners(), expected));
    }
    if (facts.attack().movesGuest()) {
      if (facts.failover().isEmpty()) {
        problems.add("the standby tells of no failover");
      }
      if (!facts.replayAnswer().equals(SURVIVED_ATTACK)) {
        problems.add("the same attack on the standby: " + facts.replayAnswer());
      }
    }
  }
}

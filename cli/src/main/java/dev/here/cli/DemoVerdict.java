package dev.here.cli;

import dev.here.lab.CounterSummary;
import java.util.ArrayList;
import java.util.List;

/** Whether the guest survived with nothing lost. */
final class DemoVerdict {
  /** A run with fewer checkpoints shows nothing. */
  static final long CHECKPOINTS_MIN = 50;

  /** A run with fewer requests shows nothing. */
  static final long REQUESTS_MIN = 200;

  static final String SURVIVED_ATTACK = "attack survived";

  private DemoVerdict() {}

  /** What went wrong, a line each; empty when the guest survived with nothing lost. */
  static List<String> problems(DemoFacts facts) {
    List<String> problems = new ArrayList<>();
    client(facts, problems);
    if (facts.protection().checkpoints() < CHECKPOINTS_MIN) {
      problems.add(
          "only %d checkpoints, %d are needed"
              .formatted(facts.protection().checkpoints(), CHECKPOINTS_MIN));
    }
    if (!facts.clockAfter().follows(facts.clockBefore())) {
      problems.add(
          "the guest's clock went back: %s, then %s"
              .formatted(facts.clockBefore(), facts.clockAfter()));
    }
    if (!facts.journal().endsWith(" ok")) {
      problems.add("the file on the guest's RAM file system is damaged: " + facts.journal());
    }
    place(facts, problems);
    return problems;
  }

  private static void client(DemoFacts facts, List<String> problems) {
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
    if (client.requests() < REQUESTS_MIN) {
      problems.add("only %d requests, %d are needed".formatted(client.requests(), REQUESTS_MIN));
    }
    if (client.requests() <= facts.requestsBeforeAttack()) {
      problems.add("no request was answered after the attack");
    }
    if (!client.guestUptimeContinuous()) {
      problems.add("the guest's uptime is not continuous");
    }
  }

  private static void place(DemoFacts facts, List<String> problems) {
    String expected = facts.attack().movesGuest() ? Demo.STANDBY : Demo.PRIMARY;
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

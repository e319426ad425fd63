package dev.here.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What a soak of deaths has seen; see {@link DeathSoak}.
 *
 * @param seed of the whole run
 * @param deaths rounds so far, by who was killed, bad ones included
 * @param outcomes how the rounds ended that were not bad
 * @param bad what went wrong, a line for each round that did
 * @param lostAnswers answers that the guest gave and its client never saw, though the guest went on
 *     where it was
 * @param lostRequests requests that never reached the guest, though it went on where it was
 * @param slowestSeconds longest time from a death to its outcome
 * @param longestGapMillis longest time that the client had no answer, while the guest went on where
 *     it was
 * @param seconds time that the rounds took
 */
public record DeathTally(
    long seed,
    Map<Victim, Integer> deaths,
    Map<Outcome, Integer> outcomes,
    List<String> bad,
    long lostAnswers,
    long lostRequests,
    double slowestSeconds,
    double longestGapMillis,
    double seconds) {
  /** Who is killed. */
  public enum Victim {
    KEEPER,
    HERED,
    BOTH;

    boolean isKeeper() {
      return this != HERED;
    }

    boolean isHered() {
      return this != KEEPER;
    }
  }

  /** How a round ended. */
  public enum Outcome {
    /** The guest goes on where it was, and checkpoints are committed again. */
    PROTECTED,
    /** The guest goes on at the standby. */
    TAKEN_OVER,
    /** Neither, and a daemon says why. */
    TOLD
  }

  static DeathTally begin(long seed) {
    return new DeathTally(seed, Map.of(), Map.of(), List.of(), 0, 0, 0, 0, 0);
  }

  /** Rounds so far. */
  public int done() {
    return deaths.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Nothing went wrong. */
  public boolean clean() {
    return bad.isEmpty();
  }

  /** All of it in one line. */
  public String summary(int wanted) {
    return ("seed %d: %d of %d deaths %s, ended %s, %d bad; where the guest went on: %d answers and"
            + " %d requests lost, longest gap %.0f ms; slowest %.1f s; %.1f a minute")
        .formatted(
            seed,
            done(),
            wanted,
            deaths,
            outcomes,
            bad.size(),
            lostAnswers,
            lostRequests,
            longestGapMillis,
            slowestSeconds,
            60 * done() / Math.max(1, seconds));
  }

  /** Rounds that ended so. */
  public int ended(Outcome outcome) {
    return outcomes.getOrDefault(outcome, 0);
  }

  DeathTally with(DeathRound.Result result, double took) {
    Map<Victim, Integer> killed = new EnumMap<>(Victim.class);
    killed.putAll(deaths);
    killed.merge(result.victim(), 1, Integer::sum);
    Map<Outcome, Integer> ended = new EnumMap<>(Outcome.class);
    ended.putAll(outcomes);
    List<String> wrong = new ArrayList<>(bad);
    if (result.problems().isEmpty()) {
      ended.merge(result.outcome(), 1, Integer::sum);
    } else {
      wrong.add("%s: %s".formatted(result.story(), String.join("; ", result.problems())));
    }
    return new DeathTally(
        seed,
        killed,
        ended,
        List.copyOf(wrong),
        lostAnswers + result.losses().answers(),
        lostRequests + result.losses().requests(),
        Math.max(slowestSeconds, result.seconds()),
        Math.max(longestGapMillis, result.gapMillis()),
        seconds + took);
  }
}

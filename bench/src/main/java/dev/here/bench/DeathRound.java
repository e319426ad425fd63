package dev.here.bench;

import dev.here.bench.DeathTally.Outcome;
import dev.here.bench.DeathTally.Victim;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.JsonNode;

/**
 * One death on the primary of a protected guest that a client asks every 10 ms: the keeper, hered
 * or both are killed at a random moment; hered is started again. Then the guest must be protected
 * again, or its hypervisor is killed too.
 */
final class DeathRound {
  /**
   * What a client missed of a guest that went on where it was.
   *
   * @param answers that the guest gave and the client never saw
   * @param requests that never reached the guest
   */
  record Losses(long answers, long requests) {
    static final Losses NONE = new Losses(0, 0);

    static Losses of(SeenAnswers before, SeenAnswers after) {
      long answers = after.unseen() - before.unseen();
      return new Losses(answers, after.lost() - before.lost() - answers);
    }

    @Override
    public String toString() {
      return "%d answers and %d requests lost".formatted(answers, requests);
    }
  }

  /**
   * What a round has seen.
   *
   * @param story who was killed, and when, in words
   * @param outcome meaningless when there are problems
   * @param problems empty when all was good
   * @param losses none unless the guest went on where it was
   * @param gapMillis longest time without an answer; 0 unless the guest went on where it was
   * @param seconds from the first kill to the outcome
   */
  record Result(
      Victim victim,
      String story,
      Outcome outcome,
      List<String> problems,
      Losses losses,
      double gapMillis,
      double seconds) {}

  private static final long MILLI = 1_000_000;
  private static final long MOMENT_NANOS = 500 * MILLI;
  private static final long BETWEEN_NANOS = 20 * MILLI;
  private static final long ABSENCE_NANOS = 300 * MILLI;
  private static final long SOON_NANOS = 30 * MILLI;
  private static final long LATE_NANOS = 3000 * MILLI;
  private static final int CHECKPOINTS = 2;

  private final TwoHosts hosts;
  private final ServiceGuest guest;
  private final SplittableRandom random;
  private final Victim victim;
  private final boolean killsQemu;
  private final StringBuilder story = new StringBuilder();
  private final List<String> problems = new ArrayList<>();

  /**
   * @param guest protected, with answers coming
   * @param random decides the moments
   * @param killsQemu whether the guest's hypervisor is killed, too
   */
  DeathRound(
      TwoHosts hosts,
      ServiceGuest guest,
      SplittableRandom random,
      Victim victim,
      boolean killsQemu) {
    this.hosts = hosts;
    this.guest = guest;
    this.random = random;
    this.victim = victim;
    this.killsQemu = killsQemu;
  }

  Result run() throws InterruptedException {
    ProcessHandle keeper = guest.keeper();
    guest.client().mark();
    Rest.nanos(random.nextLong(MOMENT_NANOS));
    final SeenAnswers before = guest.client().seen();
    final int sent = guest.client().sent();
    long start = System.nanoTime();
    kill(keeper);
    goOn();
    Outcome outcome = killsQemu ? takeOver() : back(keeper);
    double seconds = (System.nanoTime() - start) / 1e9;
    if (outcome != Outcome.TOLD) {
      require(guest::isAnswering, "the guest does not answer its client");
    }
    SeenAnswers after = guest.client().seen();
    if (!after.isClean()) {
      problems.add("the client saw what was undone: " + after.firstFault());
    }
    Losses losses = outcome == Outcome.PROTECTED ? Losses.of(before, after) : Losses.NONE;
    if (losses.answers() > 0) {
      problems.add("%d answers of the guest were lost".formatted(losses.answers()));
    }
    if (!losses.equals(Losses.NONE)) {
      story.append(
          ", no answer to requests %s ms after it".formatted(guest.client().unansweredAfter(sent)));
    }
    double gapMillis = outcome == Outcome.PROTECTED ? after.longestGapNanos() / 1e6 : 0;
    return new Result(victim, story.toString(), outcome, problems, losses, gapMillis, seconds);
  }

  private void kill(ProcessHandle keeper) throws InterruptedException {
    story.append("%s killed".formatted(victim).toLowerCase(Locale.ROOT));
    if (victim != Victim.BOTH) {
      if (victim.isKeeper()) {
        keeper.destroyForcibly();
      } else {
        hosts.killHered("a");
      }
      return;
    }
    boolean keeperFirst = random.nextBoolean();
    long between = random.nextLong(BETWEEN_NANOS);
    if (keeperFirst) {
      keeper.destroyForcibly();
      Rest.nanos(between);
      hosts.killHered("a");
    } else {
      hosts.killHered("a");
      Rest.nanos(between);
      keeper.destroyForcibly();
    }
    story.append(" (%s first, %.1f ms)".formatted(keeperFirst ? "keeper" : "hered", between / 1e6));
  }

  /** Starts hered again and kills QEMU, each at its moment, where that is to be. */
  private void goOn() {
    long qemuNanos = random.nextLong(random.nextBoolean() ? SOON_NANOS : LATE_NANOS);
    long heredNanos = random.nextLong(ABSENCE_NANOS);
    boolean qemuFirst = killsQemu && qemuNanos < heredNanos;
    long start = System.nanoTime();
    if (qemuFirst) {
      killQemu(start, qemuNanos);
    }
    if (victim.isHered()) {
      Rest.nanos(Math.max(0, heredNanos - (System.nanoTime() - start)));
      story.append(", hered started after %.0f ms".formatted(heredNanos / 1e6));
      hosts.startHered("a");
    }
    if (killsQemu && !qemuFirst) {
      killQemu(start, qemuNanos);
    }
  }

  private void killQemu(long start, long afterNanos) {
    Rest.nanos(Math.max(0, afterNanos - (System.nanoTime() - start)));
    guest.killQemu();
    story.append(", QEMU killed after %.0f ms".formatted(afterNanos / 1e6));
  }

  /** Protection comes back, or the standby took over because it missed the primary too long. */
  private Outcome back(ProcessHandle keeper) {
    boolean settled =
        hosts.isWithinPatience(() ->
            guest.runsAtB()
                || ((!victim.isKeeper() || guest.hasOtherKeeper(keeper)) && guest.isProtected()));
    if (settled && !guest.runsAtB()) {
      long checkpoints = guest.checkpoints() + CHECKPOINTS;
      settled = hosts.isWithinPatience(() -> guest.runsAtB() || guest.checkpoints() >= checkpoints);
    }
    if (!settled) {
      return told(guest.protection(), "protection is not back");
    }
    return guest.runsAtB() ? Outcome.TAKEN_OVER : Outcome.PROTECTED;
  }

  private Outcome takeOver() {
    boolean settled = hosts.isWithinPatience(() -> guest.runsAtB() || isGivenUp());
    if (settled && guest.runsAtB()) {
      return Outcome.TAKEN_OVER;
    }
    return told(guest.replica(), "the standby does not take over");
  }

  /** Whether the primary or the standby says that the guest is gone for good, and nothing else. */
  private boolean isGivenUp() {
    return "LOST".equals(guest.protection().path("state").asString(""))
        || "FAILED".equals(guest.replica().path("state").asString(""));
  }

  private Outcome told(JsonNode first, String what) {
    String reasons =
        "%s (%s), %s (%s)"
            .formatted(
                guest.protection().path("state").asString("no protection"),
                guest.protection().path("reason").asString(""),
                guest.replica().path("state").asString("no replica"),
                guest.replica().path("reason").asString(""));
    story.append(", ").append(reasons);
    if (first.path("reason").asString("").isEmpty()
        && guest.protection().path("reason").asString("").isEmpty()) {
      problems.add(what + ", and nothing says why");
    }
    return Outcome.TOLD;
  }

  private void require(BooleanSupplier condition, String otherwise) {
    if (!hosts.isWithinPatience(condition)) {
      problems.add(otherwise);
    }
  }
}

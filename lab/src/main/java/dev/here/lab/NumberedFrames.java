package dev.here.lab;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The numbered frames of one card of a guest as they were seen outside its host, and the judgement
 * whether output commit held. The guest counts a frame's number in its memory when it has sent it.
 * So a guest that goes on from a checkpoint goes on with the number behind the last that was sent
 * before it: a frame of the primary with that number or a later one was sent in an epoch that was
 * never committed.
 *
 * <p>Numbers that are missing between the primary's last and the standby's first are no fault:
 * those frames were committed and died with the primary while it held them. A frame may be lost so,
 * as any frame on a network; it may not be seen and be undone.
 *
 * @param sightings all of one card, in the order of their arrival at each host's port of the rack
 */
public record NumberedFrames(List<Sighting> sightings) {
  /** A fault names so many numbers in its text; more are counted. */
  private static final int NAMED = 5;

  /** Keeps a copy. */
  public NumberedFrames {
    sightings = List.copyOf(sightings);
  }

  /**
   * A numbered frame that left a host.
   *
   * @param host the host whose port it came from
   * @param card the number of the guest's card that sent it
   * @param vlan the VLAN of its tag, 0 without one
   * @param number its number
   * @param boot the guest's boot identity
   * @param nanos when it was seen, as {@link System#nanoTime} of any process of this machine
   */
  public record Sighting(String host, int card, int vlan, long number, String boot, long nanos) {}

  /** What may not be. */
  public enum Fault {
    /** No frame of a host that had to send some. */
    SILENT,
    /** A number was seen twice from one host. */
    REPEATED,
    /** A lower number came behind a higher one of the same host. */
    OUT_OF_ORDER,
    /** A number between two that were seen from one host was not seen. */
    MISSING,
    /** The primary's frame was seen outside, and the standby's guest had not sent it yet. */
    UNCOMMITTED,
    /** The guest was started anew. */
    OTHER_BOOT;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /** A fault and where it is seen. */
  public record Violation(Fault fault, String text) {}

  /**
   * The judgement.
   *
   * @param violations faults, at most one of a kind and host
   * @param frames how many frames were seen
   * @param lost committed frames that the primary held when it died; 0 without a take-over
   */
  public record Verdict(List<Violation> violations, int frames, long lost) {
    /** Whether nothing was undone, lost or repeated. */
    public boolean isClean() {
      return violations.isEmpty();
    }
  }

  /** Judges frames of a guest that stayed where it was. */
  public Verdict onOneHost(String host) {
    List<Violation> violations = new ArrayList<>();
    List<Sighting> seen = of(host);
    judgeSequence(host, seen, violations);
    judgeBoot(violations);
    return new Verdict(List.copyOf(violations), seen.size(), 0);
  }

  /** Judges frames of a guest that ran on one host and then, from a checkpoint, on another one. */
  public Verdict afterTakeOver(String primary, String standby) {
    List<Violation> violations = new ArrayList<>();
    List<Sighting> before = of(primary);
    List<Sighting> after = of(standby);
    judgeSequence(primary, before, violations);
    judgeSequence(standby, after, violations);
    judgeBoot(violations);
    long lost = 0;
    if (!before.isEmpty() && !after.isEmpty()) {
      long resumed = after.stream().mapToLong(Sighting::number).min().orElse(0);
      long last = before.stream().mapToLong(Sighting::number).max().orElse(0);
      List<Long> uncommitted =
          before.stream().map(Sighting::number).filter(n -> n >= resumed).sorted().toList();
      add(violations, Fault.UNCOMMITTED, primary, uncommitted, "the standby began with " + resumed);
      lost = Math.max(0, resumed - last - 1);
    }
    return new Verdict(List.copyOf(violations), before.size() + after.size(), lost);
  }

  private List<Sighting> of(String host) {
    return sightings.stream().filter(s -> s.host().equals(host)).toList();
  }

  private static void judgeSequence(String host, List<Sighting> seen, List<Violation> violations) {
    if (seen.isEmpty()) {
      violations.add(new Violation(Fault.SILENT, "no frame was seen from " + host));
      return;
    }
    Set<Long> numbers = new HashSet<>();
    List<Long> repeated = new ArrayList<>();
    List<Long> late = new ArrayList<>();
    long highest = Long.MIN_VALUE;
    long lowest = Long.MAX_VALUE;
    for (Sighting each : seen) {
      if (!numbers.add(each.number())) {
        repeated.add(each.number());
      } else if (each.number() < highest) {
        late.add(each.number());
      }
      highest = Math.max(highest, each.number());
      lowest = Math.min(lowest, each.number());
    }
    List<Long> missing = new ArrayList<>();
    for (long number = lowest; number < highest; number++) {
      if (!numbers.contains(number)) {
        missing.add(number);
      }
    }
    String range = "seen were %d to %d".formatted(lowest, highest);
    add(violations, Fault.REPEATED, host, repeated, range);
    add(violations, Fault.OUT_OF_ORDER, host, late, range);
    add(violations, Fault.MISSING, host, missing, range);
  }

  private void judgeBoot(List<Violation> violations) {
    List<String> boots = sightings.stream().map(Sighting::boot).distinct().toList();
    if (boots.size() > 1) {
      violations.add(new Violation(Fault.OTHER_BOOT, "the guest's boot identities were " + boots));
    }
  }

  private static void add(
      List<Violation> violations, Fault fault, String host, List<Long> numbers, String context) {
    if (!numbers.isEmpty()) {
      violations.add(
          new Violation(
              fault,
              "%d frames of %s are %s, the first %s; %s"
                  .formatted(
                      numbers.size(),
                      host,
                      fault,
                      numbers.subList(0, Math.min(NAMED, numbers.size())),
                      context)));
    }
  }
}

package dev.here.net;

import dev.here.ffi.TrafficControl.Discipline;

/**
 * What a plug's own statistics say about its lots, in octets since it was made: what has left and
 * what waits together are all that ever came. Frames would not do: one that is to be cut later
 * counts as one while it waits, and as its segments once it has left.
 */
final class PlugTally {
  private static final Lot ANYTHING = new Lot(0, Long.MAX_VALUE);

  /** All that came until a lot's end: at least, and at most. */
  private record Lot(long least, long most) {}

  /** All that came, when that was last certain. */
  private long came;

  private Lot released = ANYTHING;
  private Lot waiting = ANYTHING;
  private long leftAtLastLook = -1;

  private static long all(Discipline queue) {
    return queue.sentBytes() + (queue.bytes() & 0xffffffffL);
  }

  /**
   * A lot has ended, between the first look at the queue and the second.
   *
   * @param wasOpen whether frames passed until now
   * @throws GateException when frames are in it that it does not count, or were taken out of it
   */
  void bounded(boolean wasOpen, Discipline before, Discipline after, Discipline later) {
    // The kernel reads what has left first, what waits then: that is all only if none left between.
    boolean certainBefore = before.sentBytes() == after.sentBytes();
    boolean certainAfter = after.sentBytes() == later.sentBytes();
    waiting = new Lot(all(before), certainAfter ? all(after) : Long.MAX_VALUE);
    if (wasOpen) {
      came = 0;
      released = new Lot(0, waiting.most);
      requireNoneUncounted(after);
    }
    if (certainBefore && all(before) < came) {
      throw new GateException(
          "%d octets of held frames were taken out of their gate, which does not count right any more: someone has set its interface down, or changed its queue"
              .formatted(came - all(before)));
    }
    if (certainAfter) {
      came = all(after);
    }
  }

  private static void requireNoneUncounted(Discipline queue) {
    if (queue.frames() > 0) {
      throw new GateException(
          "%d frames came while their gate was being shut: the next checkpoint tries again"
              .formatted(queue.frames()));
    }
  }

  /** Whether the lot before has left. */
  boolean hasLeft(Discipline queue) {
    return queue.sentBytes() >= released.least;
  }

  /**
   * Whether the waiting lot may be released now: the one before has left. A plug that is told to
   * release while it finds nothing may stay shut; as nothing has left since the last look, it is
   * told again.
   *
   * @throws GateException when more has left than was released
   */
  boolean mayRelease(Discipline queue) {
    long left = queue.sentBytes();
    if (left > released.most) {
      throw new GateException(
          "%d octets more than were released have left a gate: someone has set its interface down and up, or changed its queue"
              .formatted(left - released.most));
    }
    boolean stuck = left == leftAtLastLook;
    leftAtLastLook = left;
    return hasLeft(queue) || stuck;
  }

  /** The waiting lot was released. */
  void released() {
    released = waiting;
    leftAtLastLook = -1;
  }
}

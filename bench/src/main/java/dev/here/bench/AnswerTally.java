package dev.here.bench;

import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Accounts for the answers of a guest's service: when they came, and whether anything was seen
 * twice or was undone. Holds no connection and knows no clock. Thread-safe.
 *
 * <p>A guest that goes on from a checkpoint knows nothing of what it did afterwards. If an answer
 * of that time had left, the client would see the guest's counters go back.
 */
final class AnswerTally {
  private final BitSet answered = new BitSet();
  private int sent;
  private long answers;
  private int lastSequence;
  private long lastCount;
  private long lastTicks;
  private long lastNanos;
  private long longestGapNanos;
  private long wentBack;
  private long repeated;
  private String firstFault = "";

  /** Starts at {@code nowNanos}. */
  AnswerTally(long nowNanos) {
    lastNanos = nowNanos;
  }

  /** Number of the next request, from 1; it is about to be sent. */
  synchronized int nextSequence() {
    return ++sent;
  }

  /**
   * An answer came.
   *
   * @param sequence the request's number
   * @param count requests that the guest had answered, this one included
   * @param ticks the guest's timer interrupts
   */
  synchronized void answer(int sequence, long count, long ticks, long nowNanos) {
    if (sequence < 1 || sequence > sent || answered.get(sequence)) {
      repeated++;
      fault("request %d of %d is answered again".formatted(sequence, sent));
      return;
    }
    answered.set(sequence);
    if (answers > 0 && (count <= lastCount || ticks < lastTicks)) {
      wentBack++;
      fault(
          "the guest counts %d at tick %d after %d at tick %d, in its answers to requests %d and %d"
              .formatted(count, ticks, lastCount, lastTicks, sequence, lastSequence));
    }
    answers++;
    lastSequence = Math.max(lastSequence, sequence);
    lastCount = count;
    lastTicks = ticks;
    longestGapNanos = Math.max(longestGapNanos, nowNanos - lastNanos);
    lastNanos = nowNanos;
  }

  private void fault(String words) {
    if (firstFault.isEmpty()) {
      firstFault = words;
    }
  }

  /** Forgets the longest gap so far; the one that is open counts whole. */
  synchronized void mark() {
    longestGapNanos = 0;
  }

  /** Number of the last request. */
  synchronized int sent() {
    return sent;
  }

  /** Numbers of requests after {@code sequence}, and before the last answered, without answer. */
  synchronized List<Integer> unanswered(int sequence) {
    return IntStream.range(sequence + 1, lastSequence)
        .filter(number -> !answered.get(number))
        .boxed()
        .toList();
  }

  synchronized SeenAnswers seen(long nowNanos) {
    return new SeenAnswers(
        answers,
        lastCount,
        lastSequence - answers,
        Math.max(longestGapNanos, nowNanos - lastNanos),
        wentBack,
        repeated,
        firstFault);
  }
}

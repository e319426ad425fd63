package dev.here.bench;

/**
 * What a client has seen of a guest's service.
 *
 * @param answers answers that came
 * @param counted requests that the guest had answered at the last of them, by its own count
 * @param lost requests before the last answered one that were never answered
 * @param longestGapNanos longest time without an answer since the last mark, the open one included;
 *     a gap that began before the mark counts whole
 * @param wentBack answers whose counters were not beyond those of the answer before
 * @param repeated answers to no request, or to one that was answered already
 * @param firstFault the first answer of those two kinds, in words; empty when there was none
 */
public record SeenAnswers(
    long answers,
    long counted,
    long lost,
    long longestGapNanos,
    long wentBack,
    long repeated,
    String firstFault) {
  /** Answers that the guest counts and that did not come, before the last one that did. */
  long unseen() {
    return counted - answers;
  }

  /** Nothing was seen that the guest knows nothing of any more. */
  public boolean isClean() {
    return wentBack == 0 && repeated == 0;
  }
}

package dev.here.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/**
 * Mean times of a protection's checkpoints while something happened, as its keeper measured them
 * ({@code ProtectionStatus}): those of the checkpoints that were the last ones when it was asked.
 *
 * @param intervalMillis how long the guest ran
 * @param pauseMillis how long it stood still
 * @param commitMillis from its resumption until the standby had the checkpoint
 * @param samples how many checkpoints
 * @param checkpoints how many there were meanwhile
 */
record MeanEpoch(
    double intervalMillis, double pauseMillis, double commitMillis, int samples, long checkpoints) {
  /** Each question takes the host's one processor for a while. */
  private static final long ASK_MILLIS = 2500;

  /** What happened, and the checkpoints meanwhile. */
  record During<T>(T result, MeanEpoch epoch) {}

  /**
   * Does something and asks for the first protection on a host meanwhile.
   *
   * @throws HereProgram.Refusal when the protection was over, or not safe, at some time
   */
  static <T> During<T> of(HostApiOverLab primary, Supplier<T> happening) {
    CountDownLatch over = new CountDownLatch(1);
    List<JsonNode> answers = new ArrayList<>();
    Thread asking =
        Thread.ofVirtual()
            .start(() -> {
              do {
                answers.add(primary.status().path("protections").path(0));
              } while (!isOver(over));
            });
    try {
      T result = happening.get();
      return new During<>(result, finish(asking, over, answers));
    } finally {
      over.countDown();
    }
  }

  private static boolean isOver(CountDownLatch over) {
    try {
      return over.await(ASK_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw Pauses.interrupted();
    }
  }

  private static MeanEpoch finish(Thread asking, CountDownLatch over, List<JsonNode> answers) {
    over.countDown();
    try {
      asking.join();
    } catch (InterruptedException e) {
      throw Pauses.interrupted();
    }
    return mean(answers);
  }

  /** The mean of the protection's states, in the order in which they were asked for. */
  static MeanEpoch mean(List<JsonNode> protections) {
    if (protections.isEmpty()) {
      throw new HereProgram.Refusal("the keeper's host did not tell how the protection was");
    }
    double interval = 0;
    double pause = 0;
    double commit = 0;
    for (JsonNode protection : protections) {
      if (!protection.path("safe").asBoolean(false)) {
        throw new HereProgram.Refusal(
            "the guest was not protected all the time: " + ProtectionView.from(protection).line());
      }
      interval += protection.path("status").path("intervalNanos").asLong(0);
      pause += ProtectionView.from(protection).pauseNanos();
      commit += protection.path("status").path("commitNanos").asLong(0);
    }
    double count = protections.size() * 1e6;
    return new MeanEpoch(
        interval / count,
        pause / count,
        commit / count,
        protections.size(),
        checkpoints(protections.getLast()) - checkpoints(protections.getFirst()));
  }

  private static long checkpoints(JsonNode protection) {
    return protection.path("status").path("checkpoints").asLong(0);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "interval %.0f ms, pause %.0f ms, commit %.0f ms (mean of %d of %d checkpoints)",
        intervalMillis,
        pauseMillis,
        commitMillis,
        samples,
        checkpoints);
  }
}

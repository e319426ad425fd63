package dev.here.driver.xen;

import dev.here.ffi.Errno;
import dev.here.ffi.Threads;
import java.io.File;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets those who work while a domain is paused, our capturing thread, the one that takes the device
 * model's answers, and the device model, go before everything else in dom0, and for no longer: on a
 * dom0 with few processors whatever else wants to run there would prolong the pause.
 *
 * <p>Threads of a device model to which somebody has given another policy keep it. Our threads go
 * before the device model, so that one that spins is still timed out.
 */
final class PauseHaste {
  private static final Logger LOG = LoggerFactory.getLogger(PauseHaste.class);
  private static final int OURS = 2;
  private static final int DEVICE_MODEL = 1;
  private static final int USUAL = 0;

  private final int answerThread;
  private final int[] modelThreads;
  private boolean refused;
  private boolean hasty;

  /**
   * @param modelPid the device model's process, whose present threads are meant
   * @param answerThread the kernel's id of our thread that takes its answers
   */
  PauseHaste(long modelPid, int answerThread) {
    this.answerThread = answerThread;
    modelThreads = threads(modelPid).filter(Threads::hasUsualPolicy).toArray();
  }

  private static IntStream threads(long pid) {
    String[] names = new File("/proc/" + pid + "/task").list();
    return names == null ? IntStream.empty() : Arrays.stream(names).mapToInt(Integer::parseInt);
  }

  /** Called by the capturing thread before the domain is paused. */
  void begin() {
    if (refused) {
      return;
    }
    int result = Threads.schedule(0, OURS);
    if (result < 0) {
      refused = true;
      LOG.info("pauses have no precedence in dom0: {}", Errno.name(-result));
      return;
    }
    hasty = true;
    Threads.schedule(answerThread, OURS);
    for (int thread : modelThreads) {
      Threads.schedule(thread, DEVICE_MODEL);
    }
  }

  /** Called by the same thread once the domain goes on; may be called again. */
  void end() {
    if (!hasty) {
      return;
    }
    hasty = false;
    for (int thread : modelThreads) {
      Threads.schedule(thread, USUAL);
    }
    Threads.schedule(answerThread, USUAL);
    Threads.schedule(0, USUAL);
  }

  /** Takes back what a keeper that died in a pause has left. */
  static void undo(long modelPid) {
    threads(modelPid)
        .filter(thread -> Threads.priority(thread) == DEVICE_MODEL)
        .forEach(thread -> Threads.schedule(thread, USUAL));
  }
}

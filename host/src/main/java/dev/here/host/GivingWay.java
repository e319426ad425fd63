package dev.here.host;

import dev.here.ffi.ProcessPriority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A daemon that starts again gives way to the guests and keepers that go on without it, until it is
 * done with its start or is needed: on a host whose processors are all busy its start would take
 * their time for many seconds.
 */
final class GivingWay {
  private static final Logger LOG = LoggerFactory.getLogger(GivingWay.class);

  /** Half of the usual share; the daemon must be back in a while, too. */
  static final int NICE = 3;

  private final AtomicBoolean gives;

  private GivingWay(boolean gives) {
    this.gives = new AtomicBoolean(gives);
  }

  /**
   * Begins to give way where an earlier daemon left nothing but protections.
   *
   * @param protections folders of keepers
   * @param replicas folders of guests that run here, whose leases wait for this daemon
   * @param lowered whether this process was started with a low priority to that end
   */
  static GivingWay begin(Path protections, Path replicas, boolean lowered) {
    boolean due = !isEmpty(protections) && isEmpty(replicas);
    var givingWay = new GivingWay(lowered || due && ProcessPriority.setOwn(NICE));
    if (!due) {
      givingWay.end();
    }
    return givingWay;
  }

  private static boolean isEmpty(Path folder) {
    try (Stream<Path> found = Files.list(folder)) {
      return found.findAny().isEmpty();
    } catch (IOException e) {
      return true;
    }
  }

  /** It is needed, or done. */
  void end() {
    if (gives.getAndSet(false) && !ProcessPriority.restoreOwn()) {
      LOG.warn("the daemon has less than its share of the processors");
    }
  }
}

package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Watches the seeding's passes: when they no longer get smaller because the guest writes as fast as
 * QEMU sends, the last pass, for which the guest stands still, may become longer, step by step.
 */
final class SeedConvergence implements AutoCloseable {
  /** For the pause of the last pass; a third of QEMU's own default, for most guests allow it. */
  static final long FIRST_DOWNTIME_MILLIS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(SeedConvergence.class);
  private static final long LAST_DOWNTIME_MILLIS = 10_000;
  private static final int PATIENT_PASSES = 2;
  private static final long LOOK_MILLIS = 500;

  private final QmpClient qmp;
  private final Duration timeout;

  /** The thread is not interrupted: that would close the connection which it may be writing to. */
  private final CountDownLatch ended = new CountDownLatch(1);

  SeedConvergence(QmpClient qmp, Duration timeout) {
    this.qmp = qmp;
    this.timeout = timeout;
    Thread.ofVirtual().name("seed-convergence").start(this::watch);
  }

  private void watch() {
    long downtimeMillis = FIRST_DOWNTIME_MILLIS;
    long lastPass = 0;
    try {
      while (downtimeMillis < LAST_DOWNTIME_MILLIS
          && !ended.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        JsonNode ram = qmp.execute("query-migrate", timeout).path("ram");
        long pass = ram.path("dirty-sync-count").asLong(0);
        if (ended.getCount() > 0 && pass >= lastPass + PATIENT_PASSES) {
          lastPass = pass;
          downtimeMillis = Math.min(2 * downtimeMillis, LAST_DOWNTIME_MILLIS);
          MigrationSettings.allowDowntime(qmp, downtimeMillis, timeout);
          LOG.info("seeding is in pass {}: its last pause may take {} ms", pass, downtimeMillis);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (HypervisorException e) {
      LOG.debug("seeding's passes are not watched any more", e);
    }
  }

  @Override
  public void close() {
    ended.countDown();
  }
}

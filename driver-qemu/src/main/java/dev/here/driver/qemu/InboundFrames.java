package dev.here.driver.qemu;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Keeps frames towards the guest back while COLO stops it, with a {@code filter-buffer} for each
 * card (QEMU's net/filter-buffer.c).
 *
 * <p>COLO stops the guest from its own thread, while QEMU's main loop goes on reading frames; what
 * it queues for a card between the change of the run state and the end of the vCPUs' stop is purged
 * (net/net.c, net_vm_change_state_handler). A frame in the filter is not in that queue. The filter
 * lets go what it holds by a timer of the guest's clock, which QEMU stops before it waits for the
 * vCPUs (softmmu/cpus.c, pause_all_vcpus) and starts again with them: so what comes while the guest
 * is being stopped stays in the filter, and nothing has to be said to QEMU around a checkpoint.
 */
final class InboundFrames {
  private final QmpClient qmp;
  private final Duration timeout;
  private final List<String> filters;

  /**
   * Adds the filters; from now on they are at work.
   *
   * @param interval how long a frame may wait in the filter, of the guest's clock; each is late by
   *     half of it on average, which is little beside what an answer waits for its commit
   * @throws dev.here.hypervisor.HypervisorException when QEMU refuses; what was made before is
   *     removed
   */
  InboundFrames(QmpClient qmp, List<QemuNic> nics, QemuTimerInterval interval, Duration timeout) {
    this.qmp = qmp;
    this.timeout = timeout;
    filters =
        IntStream.range(0, nics.size())
            .mapToObj(index -> QemuNicRedirect.ID_PREFIX + "inbound" + index)
            .toList();
    try {
      for (int index = 0; index < nics.size(); index++) {
        add(filters.get(index), nics.get(index).netdev(), interval.micros());
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void add(String filter, String netdev, long intervalMicros) {
    var arguments = new LinkedHashMap<String, Object>();
    arguments.put("qom-type", "filter-buffer");
    arguments.put("id", filter);
    arguments.put("netdev", netdev);
    // As the back end sees it: what it transmits to the card.
    arguments.put("queue", "tx");
    arguments.put("interval", intervalMicros);
    qmp.execute("object-add", arguments, timeout);
  }

  /** Removes the filters; what they hold goes to the guest. Does nothing where they are gone. */
  void close() {
    for (String filter : filters) {
      QemuNicRedirect.removeFilters(qmp, timeout, filter);
    }
  }
}

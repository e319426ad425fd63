package dev.here.driver.qemu;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Keeps frames towards the guest back while COLO stops it, with a {@code filter-buffer} for each
 * card (QEMU's net/filter-buffer.c).
 *
 * <p>COLO stops the guest from its own thread, while QEMU's main loop goes on reading frames; what
 * it queues for a card between the change of the run state and the end of the vCPUs' stop is purged
 * (net/net.c, net_vm_change_state_handler). A frame in the filter is not in that queue. So frames
 * are held from before QEMU is granted a checkpoint until the guest runs again, and none is lost;
 * neither command falls into the pause.
 */
final class InboundFrames {
  /** The filter lets frames go by itself after so long, of the guest's clock: the most it takes. */
  private static final long INTERVAL_MICROS = 0xffff_ffffL;

  private final QmpClient qmp;
  private final Duration timeout;
  private final List<String> filters;

  /**
   * Adds the filters; frames pass.
   *
   * @throws dev.here.hypervisor.HypervisorException when QEMU refuses; what was made before is
   *     removed
   */
  InboundFrames(QmpClient qmp, List<QemuNic> nics, Duration timeout) {
    this.qmp = qmp;
    this.timeout = timeout;
    filters =
        IntStream.range(0, nics.size())
            .mapToObj(index -> QemuNicRedirect.ID_PREFIX + "inbound" + index)
            .toList();
    try {
      for (int index = 0; index < nics.size(); index++) {
        add(filters.get(index), nics.get(index).netdev());
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void add(String filter, String netdev) {
    var arguments = new LinkedHashMap<String, Object>();
    arguments.put("qom-type", "filter-buffer");
    arguments.put("id", filter);
    arguments.put("netdev", netdev);
    // As the back end sees it: what it transmits to the card.
    arguments.put("queue", "tx");
    arguments.put("interval", INTERVAL_MICROS);
    arguments.put("status", "off");
    qmp.execute("object-add", arguments, timeout);
  }

  /** Frames are held from now on. */
  void hold() {
    filters.forEach(filter -> setStatus(filter, "on"));
  }

  /** What was held goes to the guest, in its order, and what comes passes. */
  void pass() {
    filters.forEach(filter -> setStatus(filter, "off"));
  }

  private void setStatus(String filter, String status) {
    qmp.execute(
        "qom-set",
        Map.of("path", "/objects/" + filter, "property", "status", "value", status),
        timeout);
  }

  /** Removes the filters; what they hold goes to the guest. Does nothing where they are gone. */
  void close() {
    for (String filter : filters) {
      QemuNicRedirect.removeFilters(qmp, timeout, filter);
    }
  }
}

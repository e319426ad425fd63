package dev.here.driver.xen;

import dev.here.driver.qemu.QmpClient;
import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * A domain's device model: the QEMU that has its disks and network cards, spoken to over QMP
 * (QEMU's qapi/migration.json: xen-save-devices-state, xen-set-global-dirty-log).
 *
 * <p>A device model that is stopped has taken its server of I/O requests away (QEMU,
 * xen_hvm_change_state_handler): a vCPU that ran then would read all ones from its devices. So it
 * is stopped only while the domain is paused, and has gone on before the domain does.
 */
final class DeviceModel {
  private final QmpClient monitor;
  private final Path stateFile;
  private final Duration timeout;

  /**
   * @param folder of ours, best in memory: each checkpoint's state goes through a file there
   */
  DeviceModel(QmpClient monitor, Path folder, Duration timeout) {
    this.monitor = monitor;
    this.stateFile = folder.resolve("device-model.state");
    this.timeout = timeout;
  }

  /** Whether what devices write to the guest's memory gets into Xen's dirty log. */
  void logWrites(boolean on) {
    monitor.execute("xen-set-global-dirty-log", Map.of("enable", on), timeout);
  }

  /** A stand-still that has been asked for. */
  final class Standstill {
    private final QmpClient.Answer stopped;
    private final QmpClient.Answer saved;

    private Standstill() {
      stopped = monitor.begin("stop", Map.of());
      saved =
          monitor.begin(
              "xen-save-devices-state", Map.of("filename", stateFile.toString(), "live", true));
    }

    /** Waits until devices do nothing any more: no frame leaves, no memory changes. */
    void awaitStopped() {
      stopped.await(timeout);
    }

    /** The devices' state, as QEMU saved it. */
    byte[] state() {
      saved.await(timeout);
      try {
        return Files.readAllBytes(stateFile);
      } catch (IOException e) {
        throw new HypervisorException(
            "the device model's state cannot be read from %s: %s"
                .formatted(stateFile, e.getMessage()),
            e);
      }
    }
  }

  /** Asks devices to stand still and to save their state, both at once. */
  Standstill stop() {
    return new Standstill();
  }

  /** Devices serve the guest again when this returns. */
  void resume() {
    monitor.execute("cont", timeout);
  }

  /** QEMU's run state, for example {@code running}; throws when no answer comes in time. */
  String status(Duration patience) {
    return monitor.execute("query-status", patience).path("status").asString("");
  }
}

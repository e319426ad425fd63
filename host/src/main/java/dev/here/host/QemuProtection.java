package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.driver.qemu.QemuCleanup;
import dev.here.driver.qemu.QemuColoPrimary;
import dev.here.driver.qemu.QemuDisk;
import dev.here.driver.qemu.QemuFacts;
import dev.here.driver.qemu.QemuInventory;
import dev.here.driver.qemu.QemuNic;
import dev.here.driver.qemu.QemuNicRedirect;
import dev.here.driver.qemu.QemuPreflight;
import dev.here.driver.qemu.QemuTimeouts;
import dev.here.driver.qemu.QemuTranslation;
import dev.here.driver.qemu.QmpClient;
import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Primary;
import dev.here.net.FrameGate;
import dev.here.net.RedirectedNic;
import dev.here.net.ReleasePermission;
import dev.here.replication.FrameOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a keeper holds of one running QEMU: its monitor, its frames' detour, its memory and state.
 */
final class QemuProtection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QemuProtection.class);

  /** Room for a guest's frames between commits, for each card. */
  private static final long GATE_BYTES = 64L << 20;

  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(90);
  private static final long CONNECT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final QmpClient qmp;
  private final QemuInventory inventory;
  private final QemuTimeouts timeouts;
  private final QemuColoPrimary primary;
  private final List<RedirectedNic> gates = new ArrayList<>();
  private final List<QemuNicRedirect> redirects = new ArrayList<>();

  /**
   * Looks at the guest, without touching it.
   *
   * @throws dev.here.hypervisor.UnprotectableException when it cannot be carried, with all reasons
   */
  QemuProtection(Path qmpSocket, Path folder, Duration patience) {
    timeouts =
        new QemuTimeouts(
            longer(patience.multipliedBy(4), QemuTimeouts.DEFAULT.command()),
            longer(patience.multipliedBy(3), QemuTimeouts.DEFAULT.silence()),
            longer(patience.multipliedBy(3), QemuTimeouts.DEFAULT.resume()),
            longer(patience.multipliedBy(5), QemuTimeouts.DEFAULT.undo()));
    qmp = QmpClient.connect(qmpSocket, timeouts.command());
    try {
      long began = System.nanoTime();
      QemuCleanup.undo(qmp, timeouts).forEach(line -> LOG.info("left over from before: {}", line));
      inventory = QemuInventory.take(qmp, timeouts.command());
      QemuPreflight.require(inventory);
      LOG.info("{} can be protected ({} ms)", inventory.vmName(), millisSince(began));
      QemuGuestFacts facts =
          QemuFacts.collect(qmp, inventory, folder, timeouts.command(), PROBE_TIMEOUT);
      LOG.info("{} is known ({} ms)", inventory.vmName(), millisSince(began));
      Path colo = folder.resolve("colo.sock");
      Files.deleteIfExists(colo);
      primary = new QemuColoPrimary(qmp, inventory, colo, timeouts, new QemuTranslation(facts));
    } catch (IOException e) {
      qmp.close();
      throw new HostException("cannot use the folder %s: %s".formatted(folder, e.getMessage()), e);
    } catch (RuntimeException e) {
      qmp.close();
      throw e;
    }
  }

  private static long millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1_000_000;
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  /** Lets the guest's frames take their way through gates, open for now. */
  FrameOutput redirect(Path folder, ReleasePermission permission, FrameGate.Pressure pressure)
      throws InterruptedException {
    int index = 0;
    for (QemuNic nic : inventory.nics()) {
      Path out = folder.resolve("out" + index);
      Path in = folder.resolve("in" + index);
      RedirectedNic gate = RedirectedNic.listen(out, in, true, GATE_BYTES, permission, pressure);
      gates.add(gate);
      redirects.add(QemuNicRedirect.attach(qmp, nic, index, out, in, timeouts.command()));
      if (!gate.awaitConnected(CONNECT_NANOS)) {
        throw new HypervisorException(
            "QEMU did not connect the frames of %s to %s within 10 s".formatted(nic.device(), out));
      }
      index++;
    }
    return new GuestFrames(gates.stream().map(RedirectedNic::gate).toList());
  }

  Primary primary() {
    return primary;
  }

  int vcpus() {
    return inventory.vcpus().size();
  }

  /** Paths of the guest's disks, by rising PCI address as QEMU lists them. */
  List<String> disks() {
    return inventory.disks().stream().map(QemuDisk::file).toList();
  }

  ClockLag clockLag() {
    return primary.clockLag();
  }

  /** The guest's frames take their direct way again, and nothing of ours is left. */
  @Override
  public void close() {
    for (QemuNicRedirect redirect : redirects) {
      try {
        redirect.close();
      } catch (HypervisorException e) {
        LOG.debug("the redirect is gone with its hypervisor: {}", e.getMessage());
      }
    }
    gates.forEach(RedirectedNic::close);
    try {
      primary.close();
    } catch (HypervisorException e) {
      LOG.debug("the hypervisor is gone: {}", e.getMessage());
    }
    qmp.close();
  }
}

package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.driver.qemu.QemuCleanup;
import dev.here.driver.qemu.QemuColoPrimary;
import dev.here.driver.qemu.QemuDisk;
import dev.here.driver.qemu.QemuFacts;
import dev.here.driver.qemu.QemuInventory;
import dev.here.driver.qemu.QemuNic;
import dev.here.driver.qemu.QemuPreflight;
import dev.here.driver.qemu.QemuTimeouts;
import dev.here.driver.qemu.QemuTranslation;
import dev.here.driver.qemu.QmpClient;
import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Primary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a keeper holds of one running QEMU: its monitor, its memory and state. */
final class QemuProtection implements GuestProtection {
  private static final Logger LOG = LoggerFactory.getLogger(QemuProtection.class);

  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(90);

  private final QmpClient qmp;
  private final QemuInventory inventory;
  private final QemuTimeouts timeouts;
  private final QemuColoPrimary primary;

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

  @Override
  public List<String> ports() {
    return inventory.nics().stream().map(QemuNic::port).toList();
  }

  @Override
  public Primary primary() {
    return primary;
  }

  @Override
  public int vcpus() {
    return inventory.vcpus().size();
  }

  @Override
  public List<String> disks() {
    return inventory.disks().stream().map(QemuDisk::file).toList();
  }

  @Override
  public Optional<ProcessHandle> hypervisor() {
    return Optional.of(inventory.process().handle());
  }

  @Override
  public boolean mayGoBefore() {
    return true;
  }

  @Override
  public ClockLag clockLag() {
    return primary.clockLag();
  }

  @Override
  public void close() {
    try {
      primary.close();
    } catch (HypervisorException e) {
      LOG.debug("the hypervisor is gone: {}", e.getMessage());
    }
    qmp.close();
  }
}

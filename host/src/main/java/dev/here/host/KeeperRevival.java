package dev.here.host;

import dev.here.driver.qemu.QemuCleanup;
import dev.here.driver.qemu.QemuProcess;
import dev.here.driver.qemu.QemuTimeouts;
import dev.here.driver.qemu.QmpClient;
import dev.here.hypervisor.HypervisorException;
import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import dev.here.replication.OwnershipException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done after a keeper's death. Its gates drop the guest's frames until they are removed,
 * and they may be removed only by who owns the VM: the dead keeper's lease is waited for. Either it
 * comes here, then the guest goes on here and its network is restored, or the standby was faster,
 * then the guest runs there and the one here is ended.
 */
final class KeeperRevival {
  private static final Logger LOG = LoggerFactory.getLogger(KeeperRevival.class);
  private static final long POLL_MILLIS = 50;

  private final WitnessConnection witness;
  private final ProtectOrder order;

  KeeperRevival(WitnessConnection witness, ProtectOrder order) {
    this.witness = witness;
    this.order = order;
  }

  /**
   * Returns how the protection ended; empty when the guest goes on here, ready for a new keeper.
   */
  Optional<KeeperOutcome> revive() throws InterruptedException {
    try (Ownership ownership = witness.ownership(VmIdentity.of(order.name()), order.host())) {
      Optional<Lease> lease = await(ownership);
      if (lease.isEmpty()) {
        return Optional.of(endHere());
      }
      try (Lease held = lease.get()) {
        LOG.info("{} is owned from here again, token {}", order.name(), held.token());
        return undo();
      }
    }
  }

  /** Empty when another host owns the VM although the dead keeper's lease must have run out. */
  private Optional<Lease> await(Ownership ownership) throws InterruptedException {
    long deadline = System.nanoTime() + 3_000_000L * Keeper.leaseMillis(order.suspectAfterMillis());
    while (true) {
      try {
        Optional<Lease> lease = ownership.acquire();
        if (lease.isPresent() || System.nanoTime() > deadline) {
          return lease;
        }
      } catch (OwnershipException e) {
        // Nothing is certain without the witness: the gates stay, and nobody is ended.
        LOG.warn("{}: {}", order.name(), e.getMessage());
        deadline = System.nanoTime() + 3_000_000L * Keeper.leaseMillis(order.suspectAfterMillis());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private Optional<KeeperOutcome> undo() {
    try (QmpClient qmp = connect()) {
      QemuCleanup.undo(qmp, QemuTimeouts.DEFAULT).forEach(line -> LOG.info("undone: {}", line));
      return Optional.empty();
    } catch (HypervisorException e) {
      return Optional.of(
          new KeeperOutcome(
              "LOST", "the keeper died, and the hypervisor does not answer: " + e.getMessage()));
    }
  }

  private KeeperOutcome endHere() {
    try (QmpClient qmp = connect()) {
      QemuProcess.find(qmp, QemuTimeouts.DEFAULT.command()).handle().destroyForcibly();
    } catch (HypervisorException e) {
      LOG.info("the hypervisor of {} is gone already: {}", order.name(), e.getMessage());
    }
    return new KeeperOutcome("FENCED", "the keeper died, and the standby has taken the guest over");
  }

  private QmpClient connect() {
    return QmpClient.connect(Path.of(order.qmp()), QemuTimeouts.DEFAULT.command());
  }
}

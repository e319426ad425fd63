package dev.here.host;

import dev.here.replication.Lease;
import dev.here.replication.ReplicationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Inherits a lease once, of a VM that is none (docs/specs/ownership.md): a daemon inherits a dead
 * keeper's lease at most now and then, and the guest's clients wait for it. The first time in a
 * process takes a slow host most of a second.
 */
final class LeaseRehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(LeaseRehearsal.class);
  private static final int ATTEMPTS = 5;
  private static final long PAUSE_MILLIS = 500;
  private static final AtomicBoolean BEGUN = new AtomicBoolean();
  private static final CompletableFuture<Void> DONE = new CompletableFuture<>();

  private LeaseRehearsal() {}

  /**
   * Begins in the background, once a process; a failure is logged and has no other effect.
   *
   * @return completes when it is over
   */
  static CompletableFuture<Void> begin(WitnessConnection witness, String host) {
    if (BEGUN.compareAndSet(false, true)) {
      Thread.ofVirtual().name("lease-rehearsal").start(() -> rehearse(witness, host));
    }
    return DONE;
  }

  private static void rehearse(WitnessConnection witness, String host) {
    try {
      for (int left = ATTEMPTS; left > 0 && !attempt(witness, host); left--) {
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      DONE.complete(null);
    }
  }

  /** Whether the witness answered in time, which a daemon that starts may be too slow for. */
  private static boolean attempt(WitnessConnection witness, String host) {
    try {
      boolean inherited = run(witness, host);
      LOG.debug("the inheriting of a lease was rehearsed: {}", inherited);
      return true;
    } catch (ReplicationException | HostException e) {
      LOG.info("the inheriting of a lease is not rehearsed: {}", e.getMessage());
      return false;
    }
  }

  /**
   * Rehearses; whether it was like the real thing, which it is not while another process of this
   * host does the same.
   *
   * @throws dev.here.replication.OwnershipException when the witness does not answer
   * @throws HostException when no file can be written
   */
  static boolean run(WitnessConnection witness, String host) {
    var vm = VmIdentity.of("rehearsal on " + host);
    try (ZooKeeperOwnership keepers = witness.place(vm, host);
        ZooKeeperOwnership daemons = witness.place(vm, host)) {
      Optional<Lease> lease = keepers.acquire();
      Optional<LeaseMark> left = lease.flatMap(LeaseRehearsal::leftBehind);
      return left.isPresent() && daemons.inherit(left.get().token()).isPresent();
    }
  }

  /** The mark of a lease as a dead keeper's is found. */
  private static Optional<LeaseMark> leftBehind(Lease lease) {
    try {
      Path folder = Files.createTempDirectory("here-rehearsal-");
      try {
        new LeaseMark(lease.token()).write(folder);
        return LeaseMark.read(folder);
      } finally {
        LeaseMark.forget(folder);
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new HostException("no file can be written: " + e.getMessage(), e);
    }
  }
}

package dev.here.host;

import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import java.util.Optional;

/** Ownership of a VM as the processes of one host share it. Each call may end with no answer. */
interface HostOwnership extends Ownership {
  /**
   * Takes the lease with {@code token} over from another process of this host, which wants it so or
   * has died, and loses it by that.
   *
   * @return empty when that lease is not the last one, or somebody was faster
   * @throws dev.here.replication.OwnershipException when the witness does not answer
   */
  Optional<Lease> inherit(long token);

  /**
   * As {@link #acquire}, but only if this host was the last owner: for a guest that runs here, and
   * ran here before, whatever became of the process that held its lease.
   */
  Optional<Lease> regain();

  /**
   * As {@link #regain}, if besides no other host has been owner since {@code earlier}; never where
   * the witness has nothing of the VM, and so has lost its data.
   */
  Optional<Lease> regainSince(long earlier);

  /**
   * Whether this process owns the VM, by whichever of its parts.
   *
   * @throws dev.here.replication.OwnershipException when the witness does not answer
   */
  boolean isHeldBySession();

  /**
   * Whether a standby may follow the lease with {@code token} once that has ended.
   *
   * @throws dev.here.replication.OwnershipException when the witness does not answer
   */
  boolean mayBeTakenOver(long token);

  /**
   * What the witness has of the VM's last owner; empty when there was none.
   *
   * @throws dev.here.replication.OwnershipException when the witness does not answer
   */
  Optional<OwnershipRecord> lastRecord();
}

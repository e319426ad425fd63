package dev.here.host;

import dev.here.hypervisor.Standby;
import java.util.List;
import java.util.Optional;

/**
 * The hypervisor's side of a replica: a standby, with what this host has to keep of it. Called by
 * whoever holds the replica.
 */
interface ReplicaMachine extends AutoCloseable {
  /** Prepared for the guest. */
  Standby standby();

  /** How a user reaches the guest: a control socket, or a domain's name. */
  String vm();

  /** What the guest's cards are joined to here, for people; empty when that is not known yet. */
  List<String> cards();

  /** Whether the replica's memory is still there. */
  boolean lives();

  /** What a daemon that starts again must clean up, if anything is left when this one ends. */
  Optional<ReplicaRecord> record();

  /** The guest may be started from now on: a daemon that starts again must not end it. */
  Optional<ReplicaRecord> takenOver();

  /** Gives the replica up, or lets go of a guest that runs. */
  @Override
  void close();

  /** Ends what was made for a guest that has not come. */
  void withdraw();
}

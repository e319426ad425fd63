package dev.here.replication;

import java.util.Optional;

/**
 * Who may run one VM: at most one host at any time, decided by a third party. Each new owner gets a
 * higher fencing token. Used by one thread at a time; the leases that it gives are thread-safe.
 */
public interface Ownership extends AutoCloseable {
  /**
   * Takes a VM that nobody owns, to protect it from here. The lease does not allow take-over until
   * its holder says so.
   *
   * @return empty while somebody else owns it
   * @throws OwnershipException when the third party does not answer
   */
  Optional<Lease> acquire();

  /**
   * Takes the VM over from the owner that held {@code predecessorToken}: granted only if that owner
   * was the last one, its lease has ended, and it allowed take-over.
   *
   * @return empty when it is not (yet) granted
   * @throws OwnershipException when the third party does not answer
   */
  Optional<Lease> takeOver(long predecessorToken);

  /** Lets go of the third party; leases end with it. */
  @Override
  void close();
}

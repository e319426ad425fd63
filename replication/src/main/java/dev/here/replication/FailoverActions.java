package dev.here.replication;

/** What a {@link Failover} has done on its host. Called by the thread that steps it. */
public interface FailoverActions {
  /**
   * Ends the old hypervisor if it can be reached, in a short time. The lease is already held here,
   * so what cannot be reached cannot harm.
   */
  void fence(Verdict cause);

  /**
   * Starts the guest from the committed checkpoint and returns its epoch.
   *
   * @throws RuntimeException when it cannot be started
   */
  long activate(Lease lease);

  /** The guest runs here: the network is told. */
  void announce(long epoch, FailoverTimes times);

  /** Where it stands has changed. */
  void changed(FailoverState state, Verdict verdict, String reason);
}

package dev.here.replication;

import dev.here.formats.wire.Message;

/** Finds, or makes, what receives a protected VM's checkpoints on this host. */
@FunctionalInterface
public interface ReplicaDirectory {
  /**
   * The receiver for the VM and session that {@code hello} names. Called by several threads.
   *
   * @throws RefusedException when this host does not take that VM, with the reason
   */
  EpochReceiver receiverFor(Message.Hello hello);
}

package dev.here.replication;

import dev.here.formats.wire.Message;

/** What an {@link EpochReceiver} tells its host. Called from several threads; returns quickly. */
public interface ReceiverEvents {
  /** The primary's keeper has connected. */
  void connected();

  /** The guest's heartbeat has come. */
  void heard(Message.Progress progress);

  /**
   * A checkpoint is committed.
   *
   * @param epoch which
   * @param pages its pages that were sent
   * @param commitNanos from the end of its arrival to the commit
   */
  void committed(long epoch, int pages, long commitNanos);

  /** The primary ends the session; what its ending asks for is now to be done. */
  void goodbye(Message.Goodbye goodbye);

  /** The session's connections are gone without a goodbye, or were refused. */
  void disconnected(String reason);
}

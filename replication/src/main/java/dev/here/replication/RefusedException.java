package dev.here.replication;

import dev.here.formats.wire.RefusalCode;

/** One side of a session says no to the other; the code goes over the wire with the text. */
public final class RefusedException extends ReplicationException {
  private final RefusalCode code;

  public RefusedException(RefusalCode code, String reason) {
    super(reason);
    this.code = code;
  }

  public RefusedException(RefusalCode code, String reason, Throwable cause) {
    super(reason, cause);
    this.code = code;
  }

  /** Why, in one word. */
  public RefusalCode code() {
    return code;
  }
}

package dev.here.replication;

/**
 * A protection cannot go on as asked. The text says what failed, with what values, and what the
 * user can do.
 */
public class ReplicationException extends RuntimeException {
  public ReplicationException(String message) {
    super(message);
  }

  public ReplicationException(String message, Throwable cause) {
    super(message, cause);
  }
}

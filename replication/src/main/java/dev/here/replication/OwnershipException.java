package dev.here.replication;

/** The third party could not be asked, or its answer is not certain. */
public final class OwnershipException extends ReplicationException {
  public OwnershipException(String message) {
    super(message);
  }

  public OwnershipException(String message, Throwable cause) {
    super(message, cause);
  }
}

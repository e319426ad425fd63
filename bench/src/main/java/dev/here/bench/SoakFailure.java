package dev.here.bench;

/** A failover that went wrong. */
final class SoakFailure extends RuntimeException {
  /** In which way. */
  enum Kind {
    /** The guest does not go on, or what the outside has seen is unknown to it. */
    LOST,
    /** Its memory is not that of one moment. */
    CORRUPT,
    /** The outside sees something twice. */
    DOUBLED
  }

  private final Kind kind;

  SoakFailure(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }
}

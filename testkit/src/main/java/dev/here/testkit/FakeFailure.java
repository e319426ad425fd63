package dev.here.testkit;

/** A failure that a fake was told to have. */
final class FakeFailure {
  private FakeFailure() {}

  static void raise(Throwable failure) {
    switch (failure) {
      case Error error -> throw error;
      case RuntimeException unexpected -> throw unexpected;
      default -> throw new IllegalArgumentException(failure);
    }
  }
}

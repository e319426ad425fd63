package dev.here.host;

import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import dev.here.replication.OwnershipException;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What hosts do in tests of ownership: they try again until it is granted. */
final class OwnershipSteps {
  private static final long PATIENCE_NANOS = 20_000_000_000L;
  private static final long RETRY_NANOS = 20_000_000L;

  private OwnershipSteps() {}

  static Lease acquired(Ownership ownership) {
    return granted("acquire", ownership::acquire);
  }

  static Lease takenOver(Ownership ownership, long predecessorToken) {
    return granted("take over", () -> ownership.takeOver(predecessorToken));
  }

  /** The witness answers, whatever it says. */
  static <T> T answered(Supplier<T> question) {
    long endNanos = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      try {
        return question.get();
      } catch (OwnershipException e) {
        if (System.nanoTime() > endNanos) {
          throw e;
        }
        LockSupport.parkNanos(RETRY_NANOS);
      }
    }
  }

  static void until(String what, BooleanSupplier condition) {
    long endNanos = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > endNanos) {
        throw new AssertionError("it did not come about that " + what);
      }
      LockSupport.parkNanos(RETRY_NANOS);
    }
  }

  private static Lease granted(String what, Supplier<Optional<Lease>> attempt) {
    long endNanos = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      Optional<Lease> lease = answered(attempt);
      if (lease.isPresent()) {
        return lease.get();
      }
      if (System.nanoTime() > endNanos) {
        throw new AssertionError("not granted: " + what);
      }
      LockSupport.parkNanos(RETRY_NANOS);
    }
  }
}

package dev.here.replication;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Ownership within one process: for hosts that are played by one program, as in soak runs on one
 * machine. Leases need no renewal, because who holds them lives as long as the third party does.
 */
public final class InProcessOwnership {
  /** Far longer than a frame that may leave takes to do so. */
  private static final long RELEASABLE_NANOS = 1_000_000_000;

  private final Map<UUID, Entry> entries = new HashMap<>();

  private static final class Entry {
    long token;
    boolean held;
    boolean takeOverAllowed;
  }

  /** One host's way to the third party, for one VM. */
  public Ownership of(UUID vm) {
    return new Ownership() {
      @Override
      public Optional<Lease> acquire() {
        return grant(vm, Optional.empty());
      }

      @Override
      public Optional<Lease> takeOver(long predecessorToken) {
        return grant(vm, Optional.of(predecessorToken));
      }

      @Override
      public void close() {
        // The third party is this process; there is nothing to let go of.
      }
    };
  }

  /** Ends the VM's lease as the third party does when its holder is not heard any more. */
  public synchronized void expire(UUID vm) {
    Entry entry = entries.get(vm);
    if (entry != null) {
      entry.held = false;
    }
  }

  private synchronized Optional<Lease> grant(UUID vm, Optional<Long> predecessorToken) {
    Entry entry = entries.computeIfAbsent(vm, key -> new Entry());
    boolean mayFollow =
        predecessorToken.isEmpty()
            || (entry.token == predecessorToken.get() && entry.takeOverAllowed);
    if (entry.held || !mayFollow) {
      return Optional.empty();
    }
    entry.held = true;
    entry.takeOverAllowed = false;
    entry.token++;
    return Optional.of(new Held(entry, entry.token));
  }

  private final class Held implements Lease {
    private final Entry entry;
    private final long token;

    Held(Entry entry, long token) {
      this.entry = entry;
      this.token = token;
    }

    @Override
    public long token() {
      return token;
    }

    @Override
    public boolean mayRelease() {
      synchronized (InProcessOwnership.this) {
        return entry.held && entry.token == token;
      }
    }

    @Override
    public long releasableUntilNanos() {
      return System.nanoTime() + (mayRelease() ? RELEASABLE_NANOS : 0);
    }

    @Override
    public boolean isLost() {
      synchronized (InProcessOwnership.this) {
        return entry.token != token;
      }
    }

    /** Nothing inherits here. */
    @Override
    public boolean isReplaced() {
      return false;
    }

    @Override
    public void allowTakeOver(boolean allowed) {
      synchronized (InProcessOwnership.this) {
        if (!mayRelease()) {
          throw new OwnershipException("the lease with token %d has ended".formatted(token));
        }
        entry.takeOverAllowed = allowed;
      }
    }

    @Override
    public void close() {
      synchronized (InProcessOwnership.this) {
        if (entry.token == token) {
          entry.held = false;
        }
      }
    }
  }
}

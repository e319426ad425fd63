package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.wire.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * A model of two hosts and a witness with messages that are late or lost, in both directions, and
 * clocks that run unequally: however it comes, at no moment do two hosts own the VM, and nothing is
 * released that the one who took over does not know of.
 */
class OneOwnerTest {
  private static final int WORLDS = 3000;
  private static final long LEASE = 1_000;
  private static final long STEPS = 6_000;

  @Test
  void neverTwoOwners() {
    int takenOver = 0;
    int alone = 0;
    for (long seed = 0; seed < WORLDS; seed++) {
      World world = new World(seed);
      world.run();
      takenOver += world.standbyRuns ? 1 : 0;
      alone += world.primaryAlone ? 1 : 0;
    }
    assertThat(takenOver).as("worlds with a take-over").isBetween(WORLDS / 10, WORLDS * 9 / 10);
    assertThat(alone).as("worlds where the primary went on alone").isGreaterThan(WORLDS / 20);
  }

  /** One run. Time is the witness's; the hosts' clocks differ by up to 10 %. */
  private static final class World {
    final long seed;
    final SplittableRandom random;
    final LeaseClock leaseClock = new LeaseClock(LEASE, 20);
    final List<Late> late = new ArrayList<>();
    final double primaryRate;
    long now;
    // The witness.
    long renewedAt;
    long token = 1;
    boolean takeOverAllowed;
    // The network: who reaches whom.
    boolean primaryToWitness = true;
    boolean witnessToPrimary = true;
    boolean standbyToWitness = true;
    boolean peers = true;
    // The hosts.
    boolean primaryDead;
    boolean primaryAlone;
    boolean aloneAsked;
    boolean standbyRuns;
    long committed;
    long released;
    long produced;
    long activatedFrom = -1;
    Failover failover;

    record Late(long at, Runnable what) {}

    World(long seed) {
      this.seed = seed;
      this.random = new SplittableRandom(seed);
      this.primaryRate = 0.9 + random.nextDouble() * 0.2;
      failover =
          new Failover(
              Optional.of(new WitnessOfStandby()),
              () -> 1,
              new Actions(),
              new Suspicion.Limits(100, 100, 100, 150),
              20);
    }

    long primaryClock() {
      return (long) (now * primaryRate);
    }

    boolean primaryMayRelease() {
      return !primaryDead && leaseClock.isValid(primaryClock());
    }

    void later(Runnable what) {
      late.add(new Late(now + 1 + random.nextInt(random.nextInt(20) == 0 ? 2_000 : 20), what));
    }

    void run() {
      leaseClock.renewed(primaryClock());
      for (now = 0; now < STEPS; now++) {
        changeWorld();
        List<Late> due = late.stream().filter(message -> message.at <= now).toList();
        late.removeAll(due);
        due.forEach(message -> message.what.run());
        primary();
        failover.step(now);
        assertThat(standbyRuns && primaryMayRelease() && !primaryAlone)
            .as("two owners at %d, seed %d", now, seed)
            .isFalse();
        assertThat(standbyRuns && primaryAlone).as("alone and taken over, seed %d", seed).isFalse();
        if (standbyRuns) {
          assertThat(released).as("released, seed %d", seed).isLessThanOrEqualTo(activatedFrom);
        }
      }
    }

    void changeWorld() {
      if (random.nextInt(700) == 0) {
        switch (random.nextInt(6)) {
          case 0 -> primaryToWitness = !primaryToWitness;
          case 1 -> witnessToPrimary = !witnessToPrimary;
          case 2 -> standbyToWitness = !standbyToWitness;
          case 3, 4 -> peers = !peers;
          default -> primaryDead |= random.nextInt(4) == 0;
        }
      }
    }

    void primary() {
      if (primaryDead || now % 10 != 0) {
        return;
      }
      long sent = primaryClock();
      if (primaryToWitness && now % 100 == 0) {
        later(() -> witnessRenews(sent));
      }
      produced++;
      if (primaryAlone) {
        released = produced;
      } else if (peers && !standbyRuns) {
        long epoch = produced;
        failover.heard(now, new Message.Progress(now, epoch, true, false, false, now));
        later(() -> commit(epoch));
      } else if (!aloneAsked && primaryToWitness && random.nextInt(30) == 0) {
        aloneAsked = true;
        later(this::witnessWritesAlone);
      }
    }

    void commit(long epoch) {
      if (standbyRuns || primaryDead) {
        return;
      }
      committed = Math.max(committed, epoch);
      later(() -> {
        // Immediately before the release, by the monotonic clock.
        if (primaryMayRelease() && !primaryAlone) {
          released = Math.max(released, epoch);
        }
      });
      if (!takeOverAllowed && !aloneAsked && token == 1) {
        takeOverAllowed = true;
      }
    }

    void witnessRenews(long sent) {
      if (token == 1 && now - renewedAt < LEASE) {
        renewedAt = now;
        if (witnessToPrimary) {
          later(() -> leaseClock.renewed(sent));
        }
      }
    }

    void witnessWritesAlone() {
      if (token == 1) {
        takeOverAllowed = false;
        if (witnessToPrimary) {
          later(() -> primaryAlone = !primaryDead);
        }
      }
    }

    final class WitnessOfStandby implements Ownership {
      @Override
      public Optional<Lease> acquire() {
        throw new UnsupportedOperationException("a standby takes over");
      }

      @Override
      public Optional<Lease> takeOver(long predecessorToken) {
        if (!standbyToWitness) {
          throw new OwnershipException("cut off");
        }
        if (token != predecessorToken || !takeOverAllowed || now - renewedAt < LEASE) {
          return Optional.empty();
        }
        token++;
        return Optional.of(new Granted());
      }

      @Override
      public void close() {}
    }

    final class Granted implements Lease {
      @Override
      public long token() {
        return token;
      }

      @Override
      public boolean mayRelease() {
        return true;
      }

      @Override
      public long releasableUntilNanos() {
        throw new UnsupportedOperationException("frames leave in this process");
      }

      @Override
      public boolean isLost() {
        return false;
      }

      @Override
      public boolean isReplaced() {
        return false;
      }

      @Override
      public void allowTakeOver(boolean allowed) {}

      @Override
      public void close() {}
    }

    final class Actions implements FailoverActions {
      @Override
      public void fence(Verdict cause) {}

      @Override
      public long activate(Lease lease) {
        standbyRuns = true;
        activatedFrom = committed;
        return committed;
      }

      @Override
      public void announce(long epoch, FailoverTimes times) {}

      @Override
      public void changed(FailoverState state, Verdict verdict, String reason) {}
    }
  }
}

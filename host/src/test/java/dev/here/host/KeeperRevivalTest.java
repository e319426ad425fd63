package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.hypervisor.HypervisorException;
import dev.here.replication.Lease;
import dev.here.replication.OwnershipException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is done after a keeper's death, with a witness, a guest and gates that follow a script. */
@Timeout(60)
class KeeperRevivalTest {
  private static final long TOKEN = 7;
  private static final ProtectOrder ORDER =
      new ProtectOrder(
          "vm1",
          "/run/vm1.qmp",
          "a",
          "b",
          "127.0.0.1",
          7700,
          "127.0.0.1:2181",
          "/token",
          0,
          0.2,
          2000,
          1000,
          0);

  /** Longer than three leases of {@link WitnessConnection#SESSION_MILLIS}. */
  private static final long LONG_MILLIS = 5000;

  private final List<String> done = new CopyOnWriteArrayList<>();
  private final ScriptedWitness witness = new ScriptedWitness();
  private final ScriptedGuest guest = new ScriptedGuest();
  private volatile boolean otherKeeper;
  private Optional<LeaseMark> mark = Optional.of(new LeaseMark(TOKEN));

  private static OwnershipRecord record(long token, long since, String host) {
    return new OwnershipRecord(token, since, false, new UUID(0, token), host);
  }

  private KeeperRevival revival() {
    return new KeeperRevival(
        ORDER, mark, () -> witness, guest, new NotedNetwork(), () -> otherKeeper);
  }

  private CompletableFuture<Optional<KeeperOutcome>> begin() {
    KeeperRevival revival = revival();
    CompletableFuture<Optional<KeeperOutcome>> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            end.complete(revival.revive());
          } catch (InterruptedException | RuntimeException e) {
            end.completeExceptionally(e);
          }
        });
    return end;
  }

  private static <T> T end(CompletableFuture<T> result) throws Exception {
    return result.get(30, TimeUnit.SECONDS);
  }

  @Test
  void theDeadKeepersLeaseIsInheritedAndTheGuestGoesOn() throws Exception {
    assertThat(revival().revive()).isEmpty();
    assertThat(done).contains("let out", "let in", "undo").doesNotContain("drop", "end");
    assertThat(done.indexOf("let in")).isLessThan(done.indexOf("undo"));
  }

  @Test
  void aGuestWhoseHypervisorDiedTooIsLeftToTheStandbyThatMayHaveIt() throws Exception {
    guest.gone = true;
    witness.takeOverAllowed = true;
    assertThat(revival().revive()).map(KeeperOutcome::state).contains("HANDED_OVER");
    assertThat(done).containsSubsequence("drop", "end", "remove").doesNotContain("let out");
  }

  /** A witness may prolong sessions, as when its leader changes: that says nothing of the guest. */
  @Test
  void noGuestIsEndedBecauseTimeHasPassed() throws Exception {
    witness.inherits = false;
    witness.regains = false;
    CompletableFuture<Optional<KeeperOutcome>> result = begin();
    Thread.sleep(LONG_MILLIS);
    assertThat(result).isNotDone();
    assertThat(done).isEmpty();
    witness.regains = true;
    assertThat(end(result)).isEmpty();
    assertThat(done).contains("let out", "let in").doesNotContain("drop", "end");
  }

  @Test
  void nothingIsDoneWhileTheWitnessIsSilent() throws Exception {
    witness.silent = true;
    CompletableFuture<Optional<KeeperOutcome>> result = begin();
    Thread.sleep(LONG_MILLIS);
    assertThat(result).isNotDone();
    assertThat(done).isEmpty();
    witness.silent = false;
    witness.inherits = false;
    assertThat(end(result)).isEmpty();
    assertThat(done).contains("let out").doesNotContain("drop", "end");
  }

  @Test
  void itIsNotSaidToBeEndedBeforeItIs() throws Exception {
    witness.inherits = false;
    witness.last = record(TOKEN + 1, TOKEN + 1, "b");
    guest.ends = attempt -> attempt > 2;
    assertThat(revival().revive()).map(KeeperOutcome::state).contains("FENCED");
    assertThat(done).containsExactly("drop", "end", "end", "end", "remove");
  }

  /**
   * It came back, and is owned by another process here: what the dead keeper had is the old one.
   */
  @Test
  void aGuestThatWasElsewhereMeanwhileIsEnded() throws Exception {
    witness.inherits = false;
    witness.last = record(TOKEN + 2, TOKEN + 2, "a");
    assertThat(revival().revive()).map(KeeperOutcome::state).contains("FENCED");
    assertThat(done).contains("end").doesNotContain("let out");
  }

  /** A witness that has lost its last writes is no reason to end anything. */
  @Test
  void anOlderRecordOfAnotherHostEndsNothing() throws Exception {
    witness.inherits = false;
    witness.regains = false;
    witness.last = record(TOKEN - 1, TOKEN - 1, "b");
    CompletableFuture<Optional<KeeperOutcome>> result = begin();
    Thread.sleep(LONG_MILLIS);
    assertThat(result).isNotDone();
    assertThat(done).isEmpty();
    otherKeeper = true;
    assertThat(end(result)).isEmpty();
    assertThat(done).as("the other keeper has the guest").isEmpty();
  }

  @Test
  void aKeeperThatNeverOwnedTheVmLeavesItAlone() throws Exception {
    mark = Optional.empty();
    witness.last = record(TOKEN, TOKEN, "b");
    Optional<KeeperOutcome> outcome = revival().revive();
    assertThat(outcome).map(KeeperOutcome::state).contains("FAILED");
    assertThat(outcome)
        .map(KeeperOutcome::reason)
        .hasValueSatisfying(
            reason -> assertThat(reason).contains("before it owned the VM, which b has"));
    assertThat(done).isEmpty();
  }

  @Test
  void aHypervisorThatHangsIsTriedAgain() throws Exception {
    guest.answers = false;
    assertThat(revival().revive())
        .contains(
            new KeeperOutcome(
                "FAILED",
                "the keeper died, and the guest's hypervisor does not answer: no answer",
                true));
    assertThat(done).contains("let out", "let in").doesNotContain("end", "drop");
  }

  @Test
  void aHypervisorThatDiedWhereNoStandbyMayFollowIsLost() throws Exception {
    guest.answers = false;
    guest.gone = true;
    assertThat(revival().revive()).map(KeeperOutcome::state).contains("LOST");
  }

  private final class NotedNetwork implements LeftNetwork {
    @Override
    public void letOut() {
      done.add("let out");
    }

    @Override
    public void letIn() {
      done.add("let in");
    }

    @Override
    public void drop() {
      done.add("drop");
    }

    @Override
    public void removeWhenEnded() {
      done.add("remove");
    }
  }

  private final class ScriptedGuest implements LeftGuest {
    volatile boolean gone;
    volatile boolean answers = true;
    volatile IntPredicate ends = attempt -> true;
    private final AtomicInteger attempts = new AtomicInteger();

    @Override
    public boolean isGone() {
      return gone;
    }

    @Override
    public GuestReference.Leavings leavings() {
      if (!answers) {
        throw new HypervisorException("no answer");
      }
      return () -> {
        done.add("undo");
        return List.of();
      };
    }

    @Override
    public boolean end() {
      done.add("end");
      return ends.test(attempts.incrementAndGet());
    }
  }

  private static final class ScriptedWitness implements HostOwnership {
    volatile boolean silent;
    volatile boolean inherits = true;
    volatile boolean regains = true;
    volatile boolean takeOverAllowed;
    volatile OwnershipRecord last = record(TOKEN, 1, "a");

    private void answer() {
      if (silent) {
        throw new OwnershipException("the witness gave no answer in time");
      }
    }

    @Override
    public Optional<Lease> inherit(long token) {
      answer();
      return inherits ? Optional.of(new ScriptedLease(token + 1)) : Optional.empty();
    }

    @Override
    public Optional<Lease> regain() {
      answer();
      return regains ? Optional.of(new ScriptedLease(last.token() + 1)) : Optional.empty();
    }

    @Override
    public Optional<Lease> regainSince(long earlier) {
      return last.staysOn("a", earlier) ? regain() : Optional.empty();
    }

    @Override
    public boolean isHeldBySession() {
      answer();
      return false;
    }

    @Override
    public boolean mayBeTakenOver(long token) {
      answer();
      return takeOverAllowed;
    }

    @Override
    public Optional<OwnershipRecord> lastRecord() {
      answer();
      return Optional.of(last);
    }

    @Override
    public Optional<Lease> acquire() {
      return Optional.empty();
    }

    @Override
    public Optional<Lease> takeOver(long predecessorToken) {
      return Optional.empty();
    }

    @Override
    public void close() {}
  }

  private record ScriptedLease(long token) implements Lease {
    @Override
    public boolean mayRelease() {
      return true;
    }

    @Override
    public long releasableUntilNanos() {
      return Long.MAX_VALUE;
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
}

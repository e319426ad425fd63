package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A fake primary, loopback sockets and a fake standby. */
@Timeout(60)
class EndToEndTest {
  @Test
  void commitsEpochsAndTakesOverAfterACrash() throws Exception {
    try (Rack rack = new Rack(1, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(20);
      rack.primary.crash();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.HANDED_OVER);
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.failover.verdict()).isEqualTo(Verdict.GUEST_CRASHED);
      assertThat(rack.frames.left()).isNotEmpty();
    }
  }

  @Test
  void aCrashInTheMiddleOfAnEpochIsNamed() throws Exception {
    try (Rack rack = new Rack(1, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.primary.crashInNextCapture();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.HANDED_OVER);
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.failover.verdict()).isEqualTo(Verdict.GUEST_CRASHED);
    }
  }

  /** With 50 ms the heartbeat's question is under way; 1500 are more than a silence may last. */
  @ParameterizedTest
  @ValueSource(longs = {50, 1500})
  void aCrashIsNamedHoweverLongTheHypervisorTakesToEnd(long millis) throws Exception {
    try (Rack rack = new Rack(1, 300, 2, true, 0)) {
      rack.primary.endSlowly(millis);
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.primary.crash();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.HANDED_OVER);
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.failover.verdict()).isEqualTo(Verdict.GUEST_CRASHED);
    }
  }

  @Test
  void theFirstCommitHoldsNoFrameAndAllowsNoTakeOver() throws Exception {
    try (Rack rack = new Rack(9, 300, 2, true, 0)) {
      rack.stall(true);
      rack.loop.start();
      rack.await("the first checkpoint is taken", () -> rack.loop.status().epoch() == 1);
      long left = rack.frames.lastLeft();
      rack.await("frames leave meanwhile", () -> rack.frames.lastLeft() > left + 5);
      assertThat(rack.loop.status().safe()).isFalse();
      rack.primary.crash();
      rack.stall(false);
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.LOST);
      assertThat(rack.standing().standby().isActive()).isFalse();
      rack.checkOutput();
    }
  }

  @Test
  void endsAHungGuestAndTakesOver() throws Exception {
    try (Rack rack = new Rack(2, 300, 1, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.primary.hang();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.HANDED_OVER);
      assertThat(rack.primary.isGone()).isTrue();
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.failover.verdict()).isEqualTo(Verdict.GUEST_HUNG);
    }
  }

  @Test
  void switchesOverWithoutLoss() throws Exception {
    try (Rack rack = new Rack(3, 300, 3, false, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.loop.switchover();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.SWITCHED_OVER);
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.frames.lastLeft()).isEqualTo(rack.standing().standby().activatedTicks());
      assertThat(rack.primary.isGone()).isTrue();
    }
  }

  @Test
  void unprotectLeavesTheGuestAndReleasesItsFrames() throws Exception {
    try (Rack rack = new Rack(4, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.loop.unprotect();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.UNPROTECTED);
      assertThat(rack.primary.isGone()).isFalse();
      assertThat(rack.primary.isClosed()).isTrue();
      long ticks = rack.primary.ticks();
      rack.await("frames", () -> rack.frames.lastLeft() > ticks);
      rack.await("release", () -> rack.failover.state() == FailoverState.RELEASED);
      rack.checkOutput();
    }
  }

  @Test
  void goesOnAloneInAPartitionAndComesBack() throws Exception {
    try (Rack rack = new Rack(5, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.link.partition(true);
      rack.await("alone", () -> rack.loop.status().state() == ProtectionState.ALONE);
      long ticks = rack.primary.ticks();
      rack.await("frames", () -> rack.frames.lastLeft() > ticks);
      rack.await("verdict", () -> rack.failover.verdict() == Verdict.PARTITIONED);
      rack.link.partition(false);
      rack.awaitCheckpoints(5);
      rack.primary.crash();
      rack.awaitTakeOver();
      rack.checkTakenOver();
    }
  }

  @Test
  void aRefusalWhoseAnswerIsLostIsTakenBackBeforeTheGuestIsSafe() throws Exception {
    try (Rack rack = new Rack(9, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.lease.write(UnansweredLease.Write.ANSWER_LOST);
      rack.link.partition(true);
      rack.await("a refusal", () -> rack.loop.status().reason().contains("no answer came"));
      rack.lease.write(UnansweredLease.Write.REQUEST_LOST);
      rack.link.partition(false);
      long checkpoints = rack.loop.status().checkpoints();
      rack.await("checkpoints", () -> rack.loop.status().checkpoints() > checkpoints + 5);
      assertThat(rack.loop.status().safe()).isFalse();
      rack.lease.write(UnansweredLease.Write.ANSWERED);
      rack.awaitCheckpoints(5);
      rack.primary.crash();
      rack.awaitTakeOver();
      rack.checkTakenOver();
    }
  }

  @Test
  void aGuestThatCrashesWhileTheRecordIsNotKnownIsTheStandbysIfThatMay() throws Exception {
    try (Rack rack = new Rack(10, 300, 2, true, 0)) {
      rack.lease.write(UnansweredLease.Write.ANSWER_LOST);
      rack.loop.start();
      rack.await("checkpoints", () -> rack.loop.status().checkpoints() > 5);
      assertThat(rack.loop.status().safe()).isFalse();
      rack.primary.crash();
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.HANDED_OVER);
    }
  }

  @Test
  void takesOverWhenThePrimaryHostIsGone() throws Exception {
    try (Rack rack = new Rack(6, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.link.partition(true);
      rack.witness.expire(rack.vm);
      rack.awaitTakeOver();
      rack.checkTakenOver();
      assertThat(rack.failover.verdict()).isEqualTo(Verdict.PEER_GONE);
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.FENCED);
      assertThat(rack.primary.isGone()).isTrue();
      rack.checkTakenOver();
    }
  }

  @Test
  void leavesTheGuestToAnotherProcessOfItsHostThatTookItForDead() throws Exception {
    try (Rack rack = new Rack(11, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.lease.beReplaced();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.REPLACED);
      assertThat(rack.loop.status().safe()).isFalse();
      assertThat(rack.primary.isGone()).isFalse();
      assertThat(rack.frames.holds()).isTrue();
    }
  }

  @Test
  void seedsAgainAStandbyThatLostItsReplica() throws Exception {
    try (Rack rack = new Rack(7, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.loseReplica();
      rack.link.cutAll();
      rack.awaitCheckpoints(5);
      rack.primary.crash();
      rack.awaitTakeOver();
      rack.checkTakenOver();
    }
  }

  @Test
  void aFailedCaptureLosesNoPage() throws Exception {
    try (Rack rack = new Rack(8, 300, 2, true, 0)) {
      rack.loop.start();
      for (int round = 0; round < 5; round++) {
        rack.awaitCheckpoints(3);
        rack.primary.failNextCapture();
      }
      rack.awaitCheckpoints(3);
      rack.primary.crash();
      rack.awaitTakeOver();
      rack.checkTakenOver();
    }
  }

  @Test
  void aFirstCopyThatCouldNotBeSentIsNoCopy() throws Exception {
    try (Rack rack = new Rack(12, 300, 2, true, 0)) {
      rack.breakNextEncoding(new IllegalStateException("told to fail"));
      rack.loop.start();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.FAILED);
      assertThat(rack.loop.status().reason()).contains("the first copy could not be sent");
      assertThat(rack.primary.isGone()).isFalse();
    }
  }

  @Test
  void aHeartbeatOutlivesAnOddFailure() throws Exception {
    try (Rack rack = new Rack(13, 300, 2, true, 0)) {
      rack.loop.start();
      rack.awaitCheckpoints(5);
      rack.primary.breakNextProgress(new IllegalStateException("told to fail"));
      rack.awaitCheckpoints(20);
      rack.primary.hang();
      assertThat(rack.loop.awaitEnd()).isEqualTo(ProtectionState.HANDED_OVER);
      rack.awaitTakeOver();
      rack.checkTakenOver();
    }
  }
}

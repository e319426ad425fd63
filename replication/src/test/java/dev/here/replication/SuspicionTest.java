package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.hypervisor.GuestProgress;
import org.junit.jupiter.api.Test;

class SuspicionTest {
  private static final Suspicion.Limits LIMITS = new Suspicion.Limits(100, 200, 500, 100);

  private final Suspicion suspicion = new Suspicion(LIMITS);

  private void guest(long now, boolean alive, boolean paused, long executed, boolean idle) {
    suspicion.progress(now, new GuestProgress(alive, paused, executed, idle));
  }

  @Test
  void aGuestThatGetsOnIsHealthy() {
    for (long now = 0; now < 2000; now += 50) {
      guest(now, true, false, now, false);
      assertThat(suspicion.verdict(now)).isEqualTo(Verdict.HEALTHY);
    }
  }

  @Test
  void aGuestThatStandsStillIsHungAndAnIdleOneIsNot() {
    for (long now = 0; now <= 200; now += 50) {
      guest(now, true, false, 7, false);
      assertThat(suspicion.verdict(now)).isEqualTo(Verdict.HEALTHY);
    }
    guest(250, true, false, 7, false);
    assertThat(suspicion.verdict(250)).isEqualTo(Verdict.GUEST_HUNG);
    guest(300, true, false, 7, true);
    assertThat(suspicion.verdict(300)).isEqualTo(Verdict.HEALTHY);
  }

  @Test
  void aPauseMayLastButNotForEver() {
    guest(0, true, false, 7, false);
    for (long now = 50; now <= 500; now += 50) {
      guest(now, true, true, 7, false);
      assertThat(suspicion.verdict(now)).isEqualTo(Verdict.HEALTHY);
    }
    guest(550, true, true, 7, false);
    assertThat(suspicion.verdict(550)).isEqualTo(Verdict.GUEST_HUNG);
  }

  @Test
  void theTimeOfAPauseDoesNotCountAsStandingStill() {
    guest(0, true, false, 7, false);
    guest(50, true, true, 7, false);
    guest(400, true, false, 7, false);
    assertThat(suspicion.verdict(400)).isEqualTo(Verdict.HEALTHY);
  }

  @Test
  void aHypervisorThatDoesNotAnswerIsHungAndOneThatEndedCrashed() {
    guest(0, true, false, 1, false);
    guest(90, false, false, 0, false);
    assertThat(suspicion.verdict(90)).isEqualTo(Verdict.HEALTHY);
    guest(150, false, false, 0, false);
    assertThat(suspicion.verdict(150)).isEqualTo(Verdict.GUEST_HUNG);
    suspicion.hypervisorEnded();
    assertThat(suspicion.verdict(151)).isEqualTo(Verdict.GUEST_CRASHED);
  }

  @Test
  void aSilentPeerIsToldFromAPartitionByTheWitness() {
    suspicion.peerHeard(0);
    assertThat(suspicion.verdict(100)).isEqualTo(Verdict.HEALTHY);
    assertThat(suspicion.verdict(101)).isEqualTo(Verdict.PEER_SILENT);
    suspicion.witness(Suspicion.WitnessView.OWNER_RENEWS);
    assertThat(suspicion.verdict(102)).isEqualTo(Verdict.PARTITIONED);
    suspicion.witness(Suspicion.WitnessView.UNREACHABLE);
    assertThat(suspicion.verdict(103)).isEqualTo(Verdict.ISOLATED);
    suspicion.witness(Suspicion.WitnessView.OWNER_GONE);
    assertThat(suspicion.verdict(104)).isEqualTo(Verdict.PEER_GONE);
    suspicion.peerHeard(105);
    assertThat(suspicion.verdict(106)).isEqualTo(Verdict.HEALTHY);
    assertThat(suspicion.verdict(300)).isEqualTo(Verdict.PEER_SILENT);
  }

  @Test
  void aClosedConnectionIsSilentAtOnceAndAPeerNeverHeardIsNot() {
    suspicion.peerClosed();
    assertThat(suspicion.verdict(10_000)).isEqualTo(Verdict.HEALTHY);
    suspicion.peerHeard(10_000);
    suspicion.peerClosed();
    assertThat(suspicion.verdict(10_000)).isEqualTo(Verdict.PEER_SILENT);
  }

  @Test
  void aSilentPeerIsSeenWhateverItsGuestDidLast() {
    suspicion.peerHeard(0);
    guest(0, true, false, 1, false);
    assertThat(suspicion.verdict(1000)).isEqualTo(Verdict.PEER_SILENT);
  }
}

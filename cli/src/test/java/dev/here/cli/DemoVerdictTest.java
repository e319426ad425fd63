package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.lab.CounterSummary;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DemoVerdictTest {
  private static final CounterSummary CLIENT =
      new CounterSummary(420, 0, 0, true, 1234.56, 30, 90, true, 12, "");
  private static final ReplicaView.Times TIMES =
      new ReplicaView.Times(200_000_000, 30_000_000, 10_000_000, 60_000_000);

  private static ProtectionView protection(long checkpoints) {
    return new ProtectionView(
        "demo", "PROTECTED", "", true, checkpoints, 0, 0, 21_340_000, 44_000_000, 0, 0, 0, 0.1, 0);
  }

  private static DemoFacts good(Attack attack) {
    boolean moves = attack.movesGuest();
    return new DemoFacts(
        DemoPair.QEMU_KVM,
        attack,
        protection(57),
        moves ? OptionalLong.of(500_000_000) : OptionalLong.empty(),
        moves ? Optional.of(TIMES) : Optional.empty(),
        CLIENT,
        300,
        moves ? "attack survived" : "",
        new GuestClock(1000, 20),
        new GuestClock(1030, 50),
        "journal 420 ok",
        Optional.empty(),
        List.of(moves ? "kvm-b" : "kvm-a"),
        Optional.empty());
  }

  private static List<String> problems(DemoFacts facts) {
    return DemoVerdict.problems(facts, DemoVerdict.Minimum.OF_A_DEMO);
  }

  private static DemoFacts with(CounterSummary client) {
    DemoFacts good = good(Attack.KILL);
    return new DemoFacts(
        DemoPair.QEMU_KVM,
        good.attack(),
        good.protection(),
        good.failoverSeenNanos(),
        good.failover(),
        client,
        good.requestsBeforeAttack(),
        good.replayAnswer(),
        good.clockBefore(),
        good.clockAfter(),
        good.journal(),
        good.selfTest(),
        good.owners(),
        good.failback());
  }

  private static DemoFacts changed(
      long checkpoints, String replay, GuestClock after, String journal, List<String> owners) {
    DemoFacts good = good(Attack.CRASH);
    return new DemoFacts(
        DemoPair.QEMU_KVM,
        good.attack(),
        protection(checkpoints),
        good.failoverSeenNanos(),
        good.failover(),
        good.client(),
        good.requestsBeforeAttack(),
        replay,
        good.clockBefore(),
        after,
        journal,
        good.selfTest(),
        owners,
        good.failback());
  }

  private static DemoFacts checking(String selfTest) {
    DemoFacts good = good(Attack.KILL);
    return new DemoFacts(
        DemoPair.QEMU_KVM,
        good.attack(),
        good.protection(),
        good.failoverSeenNanos(),
        good.failover(),
        good.client(),
        good.requestsBeforeAttack(),
        good.replayAnswer(),
        good.clockBefore(),
        good.clockAfter(),
        good.journal(),
        Optional.of(selfTest),
        good.owners(),
        good.failback());
  }

  @Test
  void aProcessThatDiedOrFoundItsMemoryChangedIsAProblem() {
    assertThat(problems(checking("selftest 812 0 2"))).isEmpty();
    assertThat(problems(checking("selftest 812 1 2"))).hasSize(1);
    assertThat(problems(checking("selftest 812 0 1"))).hasSize(1);
    assertThat(problems(checking("selftest 0 0 2"))).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(Attack.class)
  void aGuestThatLosesNothingSurvived(Attack attack) {
    assertThat(problems(good(attack))).isEmpty();
  }

  @Test
  void whatTheClientMissedIsAProblem() {
    assertThat(problems(with(CLIENT))).isEmpty();
    assertThat(problems(with(new CounterSummary(420, 1, 0, true, 0, 0, 0, true, 0, ""))))
        .containsExactly("1 requests lost");
    assertThat(problems(with(new CounterSummary(420, 0, 2, true, 0, 0, 0, true, 0, ""))))
        .containsExactly("2 requests repeated");
    assertThat(problems(with(new CounterSummary(420, 0, 0, false, 0, 0, 0, true, 0, "reset"))))
        .containsExactly("the client's connection broke: reset");
    assertThat(problems(with(new CounterSummary(420, 0, 0, true, 0, 0, 0, false, 0, ""))))
        .containsExactly("the guest's uptime is not continuous");
  }

  @Test
  void tooFewRequestsOrNoneAfterTheAttackAreAProblem() {
    assertThat(problems(with(new CounterSummary(199, 0, 0, true, 0, 0, 0, true, 0, ""))))
        .containsExactly(
            "only 199 requests, 200 are needed", "no request was answered after the attack");
  }

  @Test
  void whatTheGuestLostIsAProblem() {
    GuestClock later = new GuestClock(1030, 50);
    assertThat(problems(changed(49, "attack survived", later, "journal 1 ok", List.of("kvm-b"))))
        .containsExactly("only 49 checkpoints, 50 are needed");
    assertThat(problems(changed(50, "error: refused", later, "journal 1 ok", List.of("kvm-b"))))
        .containsExactly("the same attack on the standby: error: refused");
    assertThat(
            problems(
                changed(
                    50,
                    "attack survived",
                    new GuestClock(999, 50),
                    "journal 1 ok",
                    List.of("kvm-b"))))
        .singleElement()
        .asString()
        .startsWith("the guest's clock went back");
    assertThat(
            problems(changed(50, "attack survived", later, "journal 1 corrupt", List.of("kvm-b"))))
        .singleElement()
        .asString()
        .contains("journal 1 corrupt");
  }

  @Test
  void twoOwnersAreAProblemAndSoIsNone() {
    GuestClock later = new GuestClock(1030, 50);
    for (List<String> owners :
        List.of(List.of("kvm-a", "kvm-b"), List.of("kvm-a"), List.<String>of())) {
      assertThat(problems(changed(50, "attack survived", later, "journal 1 ok", owners)))
          .singleElement()
          .asString()
          .contains("should run on kvm-b alone");
    }
  }

  @Test
  void aGuestThatWentBackShouldRunWhereItBegan() {
    DemoFacts there = good(Attack.KILL);
    DemoFailback.Seen seen = new DemoFailback.Seen(777.77, protection(20));
    DemoFacts back =
        new DemoFacts(
            DemoPair.QEMU_KVM,
            there.attack(),
            there.protection(),
            there.failoverSeenNanos(),
            there.failover(),
            there.client(),
            there.requestsBeforeAttack(),
            there.replayAnswer(),
            there.clockBefore(),
            there.clockAfter(),
            there.journal(),
            there.selfTest(),
            List.of("kvm-a"),
            Optional.of(seen));
    assertThat(problems(back)).isEmpty();
    assertThat(problems(there)).isEmpty();
    DemoSummary summary = DemoSummary.of(back);
    assertThat(summary.failback()).isTrue();
    assertThat(summary.outageMillis()).isEqualTo(777.8);
    assertThat(summary.failbackOutageMillis()).contains(1234.6);
    assertThat(DemoSummary.of(there).failback()).isFalse();
  }

  @Test
  void theSummaryHasTheAgreedKeysInOrder() {
    JsonNode json =
        JsonMapper.builder().build().readTree(DemoSummary.of(good(Attack.CRASH)).json());
    assertThat(json.propertyNames())
        .containsExactly(
            "pair",
            "attack",
            "checkpoints",
            "pauseMillisMean",
            "pauseMillisP99",
            "detectMillis",
            "failoverMillis",
            "outageMillis",
            "requests",
            "lost",
            "repeated",
            "connectionKept",
            "attackReplayedOnStandby",
            "guestUptimeContinuous",
            "failback",
            "failbackOutageMillis");
    assertThat(json.get("pair").asString()).isEqualTo("qemu:kvm");
    assertThat(json.get("attack").asString()).isEqualTo("crash");
    assertThat(json.get("pauseMillisMean").asDouble()).isEqualTo(21.3);
    assertThat(json.get("failoverMillis").asDouble()).isEqualTo(100.0);
    assertThat(json.get("outageMillis").asDouble()).isEqualTo(1234.6);
    assertThat(json.get("attackReplayedOnStandby").asBoolean()).isTrue();
  }

  @Test
  void detectionIsWhatWasSeenFromOutsideWhereThatIsLonger() {
    assertThat(DemoSummary.of(good(Attack.HANG)).detectMillis()).contains(400.0);
    assertThat(DemoSummary.of(good(Attack.CRASH)).detectMillis()).contains(200.0);
  }

  @Test
  void afterAPartitionNothingFailedOver() {
    DemoSummary summary = DemoSummary.of(good(Attack.PARTITION));
    assertThat(summary.json()).contains("\"detectMillis\":null", "\"failoverMillis\":null");
    assertThat(summary.attackReplayedOnStandby()).isFalse();
    assertThat(summary.text()).contains("420 answered, 0 lost, 0 repeated");
  }
}

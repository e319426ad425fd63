package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The product's daemons on this machine's /dev/kvm, between a stock QEMU and our own monitor, while
 * each of their parts dies. All cases share the daemons; each has a guest of its own.
 */
@Tag("kvm")
class DaemonEndToEndTest {
  private static TwoHosts hosts;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    TwoHosts.assumePossible();
    hosts = TwoHosts.start(folder);
    hosts.await("both daemons answer", () -> hosts.answers("a") && hosts.answers("b"));
  }

  @AfterAll
  static void end() {
    if (hosts != null) {
      hosts.close();
    }
  }

  @Test
  void goesOnWhenTheHypervisorIsKilled() {
    try (TwoHosts.Guest guest = hosts.boot("killed")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      guest.awaitCheckpoints();
      guest.killQemu();
      guest.awaitRunningAtB();
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtB);
      guest.awaitProtectionState("HANDED_OVER");
    }
  }

  @Test
  void endsAHypervisorThatHangsAndGoesOn() throws IOException, InterruptedException {
    try (TwoHosts.Guest guest = hosts.boot("hung")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      guest.awaitCheckpoints();
      guest.hangQemu();
      guest.awaitRunningAtB();
      hosts.await("QEMU has ended", () -> !guest.qemuLives());
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtB);
    }
  }

  @Test
  void movesTheGuestByCommand() {
    try (TwoHosts.Guest guest = hosts.boot("moved")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      guest.failover("a");
      guest.awaitRunningAtB();
      hosts.await("QEMU has ended", () -> !guest.qemuLives());
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtB);
      guest.awaitProtectionState("SWITCHED_OVER");
    }
  }

  @Test
  void aDaemonOnThePrimaryComesBackToItsKeeper() throws InterruptedException {
    try (TwoHosts.Guest guest = hosts.boot("left")) {
      guest.protect();
      ProcessHandle keeper = guest.keeper();
      hosts.killHered("a");
      guest.awaitMoreTicks(guest::ticksInQemu);
      hosts.startHered("a");
      guest.awaitProtected();
      assertThat(guest.keeper()).isEqualTo(keeper);
      assertThat(guest.isRedirected()).isTrue();
      guest.unprotect();
      guest.awaitProtectionState("UNPROTECTED");
      assertThat(guest.isRedirected()).isFalse();
      guest.awaitMoreTicks(guest::ticksInQemu);
    }
  }

  @Test
  void aDaemonOnTheStandbyComesBackAndIsFilledAgain() throws InterruptedException {
    try (TwoHosts.Guest guest = hosts.boot("spared")) {
      guest.protect();
      ProcessHandle orphan = guest.vmm().orElseThrow();
      hosts.killHered("b");
      hosts.await(
          "a says why the guest is not safe",
          () ->
              !guest.protection().path("safe").asBoolean(true)
                  && !guest.protection().path("reason").asString("").isEmpty());
      guest.awaitMoreTicks(guest::ticksInQemu);
      hosts.startHered("b");
      guest.awaitProtected();
      assertThat(TwoHosts.lives(orphan)).isFalse();
      long ticks = guest.ticksInQemu();
      guest.awaitCheckpoints();
      guest.killQemu();
      guest.awaitRunningAtB();
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
    }
  }

  @Test
  void aDaemonThatTookAGuestOverComesBackToIt() throws InterruptedException {
    try (TwoHosts.Guest guest = hosts.boot("kept")) {
      guest.protect();
      guest.killQemu();
      guest.awaitRunningAtB();
      final long epoch = guest.replica().path("committedEpoch").asLong(0);
      ProcessHandle vmm = guest.vmm().orElseThrow();
      hosts.killHered("b");
      long ticks = guest.ticksIn(vmm);
      guest.awaitMoreTicks(() -> guest.ticksIn(vmm));
      hosts.startHered("b");
      hosts.await(
          "b owns the guest again",
          () -> guest.runsAtB() && guest.replica().path("reason").asString("-").isEmpty());
      assertThat(guest.replica().path("committedEpoch").asLong(0)).isEqualTo(epoch);
      assertThat(guest.replica().path("guest").path("alive").asBoolean(false)).isTrue();
      assertThat(guest.ticksAtB()).isGreaterThan(ticks);
    }
  }

  @Test
  void aDeadKeeperIsReplaced() {
    try (TwoHosts.Guest guest = hosts.boot("bereft")) {
      guest.protect();
      ProcessHandle keeper = guest.keeper();
      assertThat(guest.isRedirected()).isTrue();
      keeper.destroyForcibly();
      hosts.await("the guest's frames take their direct way", () -> !guest.isRedirected());
      guest.awaitMoreTicks(guest::ticksInQemu);
      guest.awaitProtected();
      assertThat(guest.keeper()).isNotEqualTo(keeper);
      assertThat(guest.runsAtB()).isFalse();
    }
  }

  @Test
  void aPartitionNeverGivesTwoOwners() {
    try (TwoHosts.Guest guest = hosts.boot("parted")) {
      guest.protect();
      hosts.part();
      try {
        guest.awaitProtectionState("ALONE");
        guest.awaitMoreTicks(guest::ticksInQemu);
        assertThat(guest.replica().path("state").asString("")).isIn("WATCHING", "SUSPECTING");
      } finally {
        hosts.join();
      }
      guest.awaitProtected();
      assertThat(guest.runsAtB()).isFalse();
      assertThat(guest.qemuLives()).isTrue();
    }
  }
}

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
}

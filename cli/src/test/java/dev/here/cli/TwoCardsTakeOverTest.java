package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.lab.CounterSummary;
import dev.here.lab.EchoSummary;
import dev.here.lab.EchoWatch;
import dev.here.lab.LabCard;
import dev.here.lab.LabClient;
import dev.here.lab.LabFault;
import dev.here.lab.LabGuest;
import dev.here.lab.NumberWatch;
import dev.here.lab.NumberedFrames.Verdict;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/**
 * A guest with two cards that the kernel serves (vhost), of two queues each, one in a VLAN with
 * large frames, goes on at another host with both; and nothing that it sent in an epoch that was
 * not committed has been seen outside.
 */
@Tag("lab")
class TwoCardsTakeOverTest {
  private static final DemoPair PAIR = DemoPair.QEMU_KVM;
  private static final long INTERVAL_MILLIS = 300;
  private static final int FRAMES_A_SECOND = 50;
  private static final int LARGE_OCTETS = 8900;
  private static final long ECHO_MILLIS = 100;
  private static final int CHECKPOINTS = 30;
  private static final int PATIENCE_SECONDS = 400;

  @Test
  void bothCardsGoOnWhenTheHostLosesItsPower(TestReporter reporter) {
    assumeAskedFor("HERE_LAB", "the lab is not asked for: HERE_LAB=1 does");
    assertSurvives(LabFault.POWER, reporter);
  }

  @Test
  void bothCardsGoOnWhenQemuIsKilled(TestReporter reporter) {
    assumeAskedFor("HERE_LAB_FULL", "this takes minutes: here test --lab-full does it");
    assertSurvives(LabFault.DM_CRASH, reporter);
  }

  private static void assumeAskedFor(String variable, String remedy) {
    assumeTrue("1".equals(System.getenv(variable)), remedy);
  }

  private static void assertSurvives(LabFault fault, TestReporter reporter) {
    var course = new StringWriter();
    var screen = new DemoScreen(new PrintWriter(course, true), false);
    LabGuest guest = LabGuest.twoCards(2);
    try (DemoRack rack = DemoRack.start(PAIR, PAIR.warmHosts(false), guest, screen);
        LabClient client = rack.client()) {
      try {
        course(rack, client, fault, screen, reporter);
      } catch (RuntimeException | AssertionError e) {
        String logs =
            PAIR.hosts().stream()
                .map(host -> "---- %s%n%s%n".formatted(host, rack.daemonLog(host, 40)))
                .reduce("", String::concat);
        throw new AssertionError(e.getMessage() + "\n" + course + "\n" + logs, e);
      }
    }
  }

  private static void course(
      DemoRack rack, LabClient client, LabFault fault, DemoScreen screen, TestReporter reporter) {
    LabGuest guest = rack.guest();
    rack.protect(INTERVAL_MILLIS);
    // A host with one processor has enough to do with the beginning.
    SettledProtection.await(rack.api(PAIR.primary()), 1, PATIENCE_SECONDS, screen);
    try (NumberWatch watch = rack.lab().watchNumbers();
        EchoWatch echo = rack.lab().echo(guest.cards().get(1), LARGE_OCTETS, ECHO_MILLIS)) {
      for (int card = 0; card < guest.cards().size(); card++) {
        client.ask("numbers start %d %d".formatted(card, FRAMES_A_SECOND)).join();
      }
      SettledProtection.await(rack.api(PAIR.primary()), CHECKPOINTS, PATIENCE_SECONDS, screen);
      awaitEchoes(echo);
      rack.lab().fault(PAIR.primary(), fault);
      echo.mark();
      new TakeOverWatch(rack.api(PAIR.standby()), 500).await();
      awaitEchoes(echo);
      Pauses.millis(TimeUnit.SECONDS.toMillis(5));
      EchoSummary large = echo.finish();
      watch.finish();
      CounterSummary counted = client.finish();
      for (int card = 0; card < guest.cards().size(); card++) {
        Verdict verdict = watch.frames(card).afterTakeOver(PAIR.primary(), PAIR.standby());
        reporter.publishEntry("card " + card, verdict.toString());
        assertThat(verdict.violations()).as("card %d", card).isEmpty();
        assertThat(verdict.frames()).isGreaterThan(50);
      }
      reporter.publishEntry("%s: %s, %s".formatted(fault, large, counted));
      assertThat(watch.frames(0).sightings()).allMatch(seen -> seen.vlan() == 0);
      assertThat(watch.frames(1).sightings()).allMatch(seen -> seen.vlan() == LabCard.VLAN);
      assertThat(watch.astray(guest)).isEmpty();
      assertThat(large.answersAstray()).isZero();
      assertThat(counted.lost()).isZero();
      assertThat(counted.repeated()).isZero();
      assertThat(counted.connectionKept()).isTrue();
    }
  }

  /** Large frames are answered in the VLAN again. */
  private static void awaitEchoes(EchoWatch echo) {
    Deadline deadline = new Deadline(60, "no large frame is answered in the VLAN");
    while (echo.progress().filter(seen -> seen.answers() > 5).isEmpty()) {
      deadline.check(String.valueOf(echo.progress()));
      Pauses.millis(200);
    }
  }
}

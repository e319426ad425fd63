package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.lab.NumberedFrames.Verdict;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/** A guest with two cards of the kernel's, one in a VLAN with large frames, and who watches it. */
@Tag("lab")
class TwoCardsTest {
  private static final String HOST = "kvm-a";
  private static final int PATIENCE_MILLIS = 60_000;

  @Test
  void eachCardIsInItsVlanAndItsFramesAreCounted(TestReporter reporter) {
    LabRequirements.assumeLab();
    LabGuest guest = LabGuest.twoCards(2);
    LabPlan plan = LabPlan.of(List.of(HOST), List.of()).withGuest(HOST, guest);
    try (Lab lab = Lab.up(plan, System.err::println);
        LabClient client = lab.client(guest.address(), 20, PATIENCE_MILLIS)) {
      largeFramesPassInTheVlan(lab, guest);
      for (int card = 0; card < guest.cards().size(); card++) {
        client.ask("numbers start %d 200".formatted(card)).join();
      }
      numberedFramesAreSeenOnce(lab, guest);
      aPortOfTheWrongVlanIsSeen(lab, guest);
      figures(lab, guest, reporter);
    }
  }

  private static void largeFramesPassInTheVlan(Lab lab, LabGuest guest) {
    try (EchoWatch echo = lab.echo(guest.cards().get(1), 8900, 20)) {
      while (echo.progress().filter(seen -> seen.answers() > 10).isEmpty()) {
        Tool.pause(100);
      }
      assertThat(echo.finish().answersAstray()).isZero();
    }
  }

  private static void numberedFramesAreSeenOnce(Lab lab, LabGuest guest) {
    try (NumberWatch watch = lab.watchNumbers()) {
      Tool.pause(TimeUnit.SECONDS.toMillis(3));
      watch.finish();
      for (int card = 0; card < guest.cards().size(); card++) {
        Verdict verdict = watch.frames(card).onOneHost(HOST);
        assertThat(verdict.violations()).isEmpty();
        assertThat(verdict.frames()).isGreaterThan(50);
      }
      assertThat(watch.frames(0).sightings()).allMatch(s -> s.vlan() == 0);
      assertThat(watch.frames(1).sightings()).allMatch(s -> s.vlan() == LabCard.VLAN);
      assertThat(watch.astray(guest)).isEmpty();
    }
  }

  /** The watch must not be blind to the fault that it is for. */
  private static void aPortOfTheWrongVlanIsSeen(Lab lab, LabGuest guest) {
    lab.exec(HOST, "bridge vlan add dev tap1 vid 200 pvid untagged").success();
    try (NumberWatch watch = lab.watchNumbers()) {
      Tool.pause(TimeUnit.SECONDS.toMillis(1));
      watch.finish();
      assertThat(watch.astray(guest))
          .anyMatch(t -> t.mac().equals(guest.cards().get(1).mac()) && t.vlan() == 200);
    }
    lab.exec(HOST, "bridge vlan add dev tap1 vid 100 pvid untagged").success();
  }

  private static void figures(Lab lab, LabGuest guest, TestReporter reporter) {
    StreamFigures stream = lab.throughput(guest.address(), 4 << 20);
    assertThat(stream.samples()).isNotEmpty();
    assertThat(stream.largest("cwnd")).isPositive();
    PageFigures pages = lab.pages(guest.address(), 20, 10);
    assertThat(pages.whole().p50Millis()).isGreaterThanOrEqualTo(pages.connect().p50Millis());
    reporter.publishEntry(
        "guest without protection",
        "%.1f MB/s, page p50 %.1f ms, p99 %.1f ms"
            .formatted(
                stream.octetsPerSecond() / 1e6,
                pages.whole().p50Millis(),
                pages.whole().p99Millis()));
  }
}

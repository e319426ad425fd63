package dev.here.cli;

import dev.here.lab.EchoSummary;
import dev.here.lab.EchoWatch;
import dev.here.lab.Lab;
import dev.here.lab.LabCard;
import dev.here.lab.LabGuest;
import dev.here.lab.NumberWatch;
import dev.here.lab.NumberedFrames;
import dev.here.lab.PageFigures;
import dev.here.lab.StreamFigures;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** Measures and watches the network of the guest of the lab that is up, from the rack. */
@Command(
    name = "guest",
    description = "Measures and watches the network of the lab's guest from outside its host.")
final class LabGuestCommand implements Runnable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final LabGuest GUEST = LabGuest.twoCards(1);
  private static final int PATIENCE_MILLIS = 120_000;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  @Command(
      description = {
        "Reads one TCP stream from the guest and says how fast it came, and what the guest's",
        "kernel says of its side of it each 100 ms."
      })
  int throughput(
      @Option(names = "--octets", defaultValue = "4194304", paramLabel = "N") long octets,
      @Option(names = "--json", description = "One JSON object.") boolean json) {
    StreamFigures figures = lab().throughput(GUEST.address(), octets);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JSON.writeValueAsString(figures));
    } else {
      out.printf(
          "%.3f MB/s: %d octets in %.2f s, the first after %.1f ms; %s; client's buffer %d; %s%n",
          figures.octetsPerSecond() / 1e6,
          figures.octets(),
          figures.seconds(),
          figures.firstMillis(),
          figures.congestionControl(),
          figures.receiveBufferOctets(),
          figures.events());
      figures.samples().forEach(out::println);
    }
    out.flush();
    return 0;
  }

  @Command(description = "Fetches the guest's web page again and again and says how long it takes.")
  int pages(
      @Option(names = "--count", defaultValue = "100", paramLabel = "N") int count,
      @Option(names = "--pause", defaultValue = "20", paramLabel = "MILLIS") long pauseMillis,
      @Option(names = "--json", description = "One JSON object.") boolean json) {
    PageFigures figures = lab().pages(GUEST.address(), count, pauseMillis);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JSON.writeValueAsString(figures));
    } else {
      out.printf("%d pages, each on a connection of its own; milliseconds:%n", figures.pages());
      print(out, "connected", figures.connect());
      print(out, "first octets", figures.first());
      print(out, "whole", figures.whole());
    }
    out.flush();
    return 0;
  }

  private static void print(PrintWriter out, String what, PageFigures.Part part) {
    out.printf(
        "%-12s p50 %8.2f  p99 %8.2f  max %8.2f%n",
        what, part.p50Millis(), part.p99Millis(), part.maxMillis());
  }

  @Command(
      description =
          "Asks the guest's card in the VLAN of the trunk for echoes with large frames (needs a"
              + " guest with :cards).")
  int echo(
      @Option(names = "--octets", defaultValue = "8900", paramLabel = "N") int octets,
      @Option(names = "--seconds", defaultValue = "5", paramLabel = "N") long seconds) {
    try (EchoWatch echo = lab().echo(trunk(), octets, 20)) {
      Pauses.millis(TimeUnit.SECONDS.toMillis(seconds));
      EchoSummary seen = echo.finish();
      PrintWriter out = spec.commandLine().getOut();
      out.printf(
          "%d requests of %d octets in VLAN %d, %d answers there, %d elsewhere; longest gap %.0f ms%n",
          seen.requests(),
          octets,
          trunk().vlan(),
          seen.answers(),
          seen.answersAstray(),
          seen.longestGapMillis());
      out.flush();
      return seen.answers() > 0 && seen.answersAstray() == 0 ? 0 : 1;
    }
  }

  private static LabCard trunk() {
    return GUEST.cards().getLast();
  }

  @Command(
      description = {
        "The guest sends numbered frames on a card; every one that leaves a host is looked at.",
        "Fails when one is repeated, missing or out of order."
      })
  int numbers(
      @Option(names = "--card", defaultValue = "0", paramLabel = "N") int card,
      @Option(names = "--rate", defaultValue = "200", paramLabel = "FRAMES") int rate,
      @Option(names = "--seconds", defaultValue = "5", paramLabel = "N") long seconds,
      @Option(
              names = "--standby",
              paramLabel = "HOST",
              description = "The host that takes over meanwhile.")
          String standby) {
    Lab lab = lab();
    PrintWriter out = spec.commandLine().getOut();
    try (NumberWatch watch = lab.watchNumbers();
        var client = lab.client(GUEST.address(), 1000, PATIENCE_MILLIS)) {
      out.println(client.ask("numbers start %d %d".formatted(card, rate)).join());
      Pauses.millis(TimeUnit.SECONDS.toMillis(seconds));
      out.println(client.ask("numbers stop %d".formatted(card)).join());
      watch.finish();
      watch.traffic().forEach(out::println);
      NumberedFrames frames = watch.frames(card);
      String primary = frames.sightings().isEmpty() ? "?" : frames.sightings().getFirst().host();
      NumberedFrames.Verdict verdict =
          standby == null ? frames.onOneHost(primary) : frames.afterTakeOver(primary, standby);
      List<NumberWatch.Traffic> astray = watch.astray(GUEST);
      out.println(verdict);
      out.printf("astray: %s%n", astray);
      out.flush();
      return verdict.isClean() && astray.isEmpty() ? 0 : 1;
    }
  }

  private static Lab lab() {
    return Lab.current()
        .orElseThrow(() -> new HereProgram.Refusal("no lab is up: start one with here lab up"));
  }
}

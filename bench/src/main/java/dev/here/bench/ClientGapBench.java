package dev.here.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How long a client has no answer from a guest while a part of HERE or its hypervisor dies: real
 * daemons with the product's own settings, a stock QEMU and our monitor, a request every 10 ms. It
 * is the longest gap of all runs; the reference is the longest gap of the same clients before the
 * guests were protected.
 */
final class ClientGapBench implements Benchmark {
  private static final int RUNS = 3;
  private static final double BAR_MILLIS = 1000;
  private static final long QUIET_NANOS = 3_000_000_000L;

  private final TwoHosts.Program program;

  /**
   * What dies, while a client asks; each returns when the guest is safe where it is meant to be.
   */
  private enum Death {
    KILL("failover.client.kill") {
      @Override
      void happen(TwoHosts hosts, ServiceGuest guest) {
        guest.killQemu();
        guest.awaitRunningAtB();
      }
    },
    HANG("failover.client.hang") {
      @Override
      void happen(TwoHosts hosts, ServiceGuest guest) throws InterruptedException, IOException {
        guest.hangQemu();
        guest.awaitRunningAtB();
      }
    },
    HERED("gap.hered.killed") {
      @Override
      void happen(TwoHosts hosts, ServiceGuest guest) throws InterruptedException {
        hosts.killHered("a");
        Rest.nanos(QUIET_NANOS);
        hosts.startHered("a");
        guest.awaitProtected();
      }
    },
    KEEPER("gap.keeper.killed") {
      @Override
      void happen(TwoHosts hosts, ServiceGuest guest) {
        ProcessHandle keeper = guest.keeper();
        keeper.destroyForcibly();
        hosts.await("another keeper", () -> guest.hasOtherKeeper(keeper));
        guest.awaitProtected();
      }
    };

    private final String figure;

    Death(String figure) {
      this.figure = figure;
    }

    abstract void happen(TwoHosts hosts, ServiceGuest guest)
        throws InterruptedException, IOException;
  }

  ClientGapBench(TwoHosts.Program program) {
    this.program = program;
  }

  static List<String> figures() {
    return Stream.of(Death.values()).map(death -> death.figure).toList();
  }

  @Override
  public List<String> names() {
    return figures();
  }

  @Override
  public List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException {
    Optional<String> reason = TwoHosts.unavailable();
    if (reason.isPresent()) {
      throw new BenchException("no daemons can be tried here: " + reason.get());
    }
    List<Figure> figures = new ArrayList<>();
    try (TwoHosts hosts = TwoHosts.start(Files.createDirectory(folder.resolve("hosts")), program)) {
      for (Death death : Death.values()) {
        if (wanted.contains(death.figure)) {
          figures.add(measure(hosts, death));
        }
      }
    } catch (IOException e) {
      throw new BenchException("a client's gap could not be measured: " + e.getMessage(), e);
    }
    return figures;
  }

  private static Figure measure(TwoHosts hosts, Death death)
      throws InterruptedException, IOException {
    double gap = 0;
    double reference = 0;
    for (int run = 0; run < RUNS; run++) {
      String name = death.name().toLowerCase(Locale.ROOT) + run;
      try (ServiceGuest guest = hosts.boot(name)) {
        guest.client().mark();
        Rest.nanos(QUIET_NANOS);
        reference = Math.max(reference, longestGapMillis(guest));
        guest.protect();
        guest.awaitAnswers();
        guest.client().mark();
        death.happen(hosts, guest);
        guest.awaitAnswers();
        gap = Math.max(gap, longestGapMillis(guest));
        requireClean(name, guest.client().seen());
      }
    }
    return Figure.atMost(death.figure, gap, "ms", reference, BAR_MILLIS / reference, RUNS);
  }

  private static void requireClean(String name, SeenAnswers seen) {
    if (!seen.isClean()) {
      throw new BenchException(
          "the client of %s saw what was undone: %s".formatted(name, seen.firstFault()));
    }
  }

  private static double longestGapMillis(ServiceGuest guest) {
    return guest.client().seen().longestGapNanos() / 1e6;
  }
}

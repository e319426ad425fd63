package dev.here.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Failovers of a Linux guest between virtual hosts, one after the other with fresh hosts, faults of
 * all kinds in turn, at random moments; processes in the guest check their memory meanwhile. Goes
 * on where an interrupted run ended.
 */
final class LabSoak {
  private static final List<Attack> FAULTS =
      List.of(Attack.KILL, Attack.HANG, Attack.CRASH, Attack.HOST_POWER, Attack.HOST_HANG);

  private static final long MOMENT_MILLIS = 2000;

  /** Enough to be in the midst of it. */
  private static final DemoVerdict.Minimum MINIMUM = new DemoVerdict.Minimum(10, 20);

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final DemoPair pair;
  private final Path file;
  private final PrintWriter out;
  private final DemoScreen screen;

  /**
   * @param pair hypervisors of the first and the second host
   * @param file where the tally is kept
   * @param out gets a line for each failover
   * @param screen gets their course
   */
  LabSoak(DemoPair pair, Path file, PrintWriter out, DemoScreen screen) {
    this.pair = pair;
    this.file = file;
    this.out = out;
    this.screen = screen;
  }

  /**
   * What was seen so far.
   *
   * @param done good failovers, by the fault that made them necessary
   * @param bad what went wrong, a line for each failover that did
   * @param seconds time that they took
   */
  record Tally(Map<String, Integer> done, List<String> bad, double seconds) {
    int total() {
      return done.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** Whether a run of so many failovers goes on from here; one that has ended does not. */
    boolean isOpen(int failovers) {
      return total() < failovers && bad.isEmpty();
    }

    Tally with(Attack fault, List<String> problems, double took) {
      if (!problems.isEmpty()) {
        List<String> all = new java.util.ArrayList<>(bad);
        all.add(fault.word() + ": " + String.join("; ", problems));
        return new Tally(done, all, seconds + took);
      }
      Map<String, Integer> more = new TreeMap<>(done);
      more.merge(fault.word(), 1, Integer::sum);
      return new Tally(more, bad, seconds + took);
    }
  }

  /**
   * Runs until {@code failovers} were good, with those of an interrupted run, one was not, or time
   * is up.
   */
  Tally run(int failovers, long deadlineNanos) throws IOException {
    Tally tally =
        read().filter(kept -> kept.isOpen(failovers)).orElse(new Tally(Map.of(), List.of(), 0));
    while (tally.isOpen(failovers) && System.nanoTime() < deadlineNanos) {
      Attack fault = FAULTS.get(tally.total() % FAULTS.size());
      long start = System.nanoTime();
      List<String> problems = failover(fault);
      tally = tally.with(fault, problems, (System.nanoTime() - start) / 1e9);
      write(tally);
      out.printf(
          "soak: failover %d of %d with Linux (%s) %s%n",
          tally.total() + tally.bad().size(),
          failovers,
          fault.word(),
          problems.isEmpty() ? "lost nothing" : String.join("; ", problems));
      out.flush();
    }
    return tally;
  }

  private List<String> failover(Attack fault) {
    try {
      long holdMillis = ThreadLocalRandom.current().nextLong(MOMENT_MILLIS);
      Demo.Options options =
          new Demo.Options(pair, fault, 1, false, false, true, MINIMUM, holdMillis, false);
      return DemoVerdict.problems(Demo.run(options, screen), MINIMUM);
    } catch (HereProgram.Refusal e) {
      return List.of(String.valueOf(e.getMessage()));
    }
  }

  private Optional<Tally> read() {
    try {
      return Optional.of(JSON.readValue(Files.readAllBytes(file), Tally.class));
    } catch (IOException | JacksonException e) {
      return Optional.empty();
    }
  }

  private void write(Tally tally) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.write(fresh, JSON.writeValueAsBytes(tally));
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}

package dev.here.bench;

import dev.here.kvm.Kvm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** All figures that can be measured on this machine alone. */
public final class Bench {
  /** Those that need no daemon. */
  private static final List<Benchmark> DIRECT =
      List.of(
          new PauseBench(),
          new SeedingBench(),
          new WireBench(),
          new FailoverBench(),
          new MemoryBench());

  private Bench() {}

  /** Names of all figures, in the order in which they are measured. */
  public static List<String> names() {
    return Stream.concat(
            DIRECT.stream().flatMap(benchmark -> benchmark.names().stream()),
            ClientGapBench.figures().stream())
        .toList();
  }

  /**
   * The figures that {@code words} ask for: a word is a figure's name, or its beginning up to a
   * dot. No words ask for all.
   *
   * @throws IllegalArgumentException for a word that asks for none, naming those that there are
   */
  public static Set<String> chosen(List<String> words) {
    if (words.isEmpty()) {
      return new LinkedHashSet<>(names());
    }
    Set<String> chosen = new LinkedHashSet<>();
    for (String word : words) {
      List<String> meant =
          names().stream()
              .filter(name -> name.equals(word) || name.startsWith(word + "."))
              .toList();
      if (meant.isEmpty()) {
        throw new IllegalArgumentException(
            "no figure is called %s; there are %s".formatted(word, String.join(", ", names())));
      }
      chosen.addAll(meant);
    }
    return chosen;
  }

  /** Why nothing can be measured here, with the remedy; empty when it can. */
  public static Optional<String> unavailable() {
    return Kvm.unavailable();
  }

  /**
   * Measures {@code wanted} and gives each figure to {@code print} when it is there.
   *
   * @param folder for sockets and the logs of other processes; exists
   * @param program starts daemons
   * @throws BenchException when something did not come to pass
   */
  public static void run(
      Set<String> wanted, Path folder, TwoHosts.Program program, Consumer<Figure> print)
      throws InterruptedException {
    List<Benchmark> benchmarks = new ArrayList<>(DIRECT);
    benchmarks.add(new ClientGapBench(program));
    for (Benchmark benchmark : benchmarks) {
      if (benchmark.names().stream().anyMatch(wanted::contains)) {
        benchmark.measure(wanted, folder).forEach(print);
      }
    }
  }
}

package dev.here.cli;

import dev.here.bench.Bench;
import dev.here.bench.Figure;
import dev.here.formats.state.MachineStateCodec;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures HERE on this machine's /dev/kvm. */
@Command(
    name = "bench",
    description = {
      "Measures HERE on this machine's /dev/kvm, each figure beside a reference of the same run.",
      "'here bench remus' measures it beside Xen's Remus, 'here bench lab' a client's gaps when a",
      "daemon or keeper is killed (lab.gap), a TCP stream (lab.stream) and requests for a web page",
      "(lab.page) of a protected guest, all in the lab.",
      "A missed bar is marked; it is no failure of the command."
    })
final class BenchCommand implements Callable<Integer> {
  /** What is measured in the lab, and asked for by its name alone. */
  private static final Map<String, Function<DemoScreen, List<Figure>>> IN_LAB =
      Map.of(
          "remus", RemusBench::measure,
          "lab", BenchCommand::allInLab,
          "lab.gap", LabGapBench::measure,
          "lab.stream", LabTrafficBench::stream,
          "lab.page", LabTrafficBench::page);

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "One JSON object a line.")
  private boolean json;

  @Parameters(
      paramLabel = "NAME",
      description =
          "A figure, or the beginning of several up to a dot; all but remus and lab by default.")
  private List<String> names = List.of();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (names.size() == 1 && IN_LAB.containsKey(names.getFirst())) {
      return inLab(IN_LAB.get(names.getFirst()));
    }
    Set<String> wanted = wanted();
    Optional<String> reason = Bench.unavailable();
    if (reason.isPresent()) {
      throw new HereProgram.Refusal("nothing can be measured here: " + reason.get());
    }
    Path folder = Files.createTempDirectory("here-bench");
    if (!json) {
      print(heading());
    }
    Bench.run(
        wanted, folder, HereProgram::command, figure -> print(json ? json(figure) : row(figure)));
    remove(folder);
    return 0;
  }

  private int inLab(Function<DemoScreen, List<Figure>> measurement) {
    List<Figure> figures = measurement.apply(new DemoScreen(spec.commandLine().getErr(), false));
    if (!json) {
      print(heading());
    }
    figures.forEach(figure -> print(json ? json(figure) : row(figure)));
    return 0;
  }

  private static List<Figure> allInLab(DemoScreen screen) {
    return Stream.concat(
            LabGapBench.measure(screen).stream(), LabTrafficBench.measure(screen).stream())
        .toList();
  }

  private Set<String> wanted() {
    try {
      return Bench.chosen(names);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private void print(String line) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }

  static String json(Figure figure) {
    return MachineStateCodec.tree(figure).toString();
  }

  private static String heading() {
    return "%-22s %10s %10s %-5s %8s %8s %5s"
        .formatted("figure", "value", "reference", "unit", "ratio", "bar", "runs");
  }

  private static String row(Figure figure) {
    return "%-22s %10s %10s %-5s %8s %8s %5d  %s"
        .formatted(
            figure.name(),
            number(figure.value()),
            number(figure.reference()),
            figure.unit(),
            number(figure.ratio()),
            number(figure.bar()),
            figure.runs(),
            figure.met() ? "met" : "MISSED");
  }

  private static String number(double value) {
    return value >= 1000 ? "%.0f".formatted(value) : Double.toString(value);
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}

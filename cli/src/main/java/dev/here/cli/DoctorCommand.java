package dev.here.cli;

import dev.here.net.GateException;
import dev.here.net.KernelGates;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says what this machine can do, each line with the remedy where it cannot. */
@Command(
    name = "doctor",
    description = "Says what this machine can do for HERE, and the remedy where it cannot.")
final class DoctorCommand implements Callable<Integer> {
  /** Free memory that two virtual hosts and the tests beside them take, MiB. */
  private static final long LAB_MEMORY_MIB = 8 * 1024;

  private static final String GATE = "gate";

  @Option(names = "--json", description = "One JSON object a line.")
  private boolean json;

  @Spec private CommandSpec spec;

  record Finding(String what, boolean good, String detail, String remedy) {}

  private final List<Finding> findings = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    java();
    kvm();
    tool("qemu", "qemu-system-x86_64", "--version", "apt-get install qemu-system-x86");
    tool(
        "compiler",
        "gcc",
        "--version",
        "apt-get install gcc (only tests of native layouts need it)");
    tap();
    findings.add(gate());
    root();
    memory();
    for (Finding finding : findings) {
      print(finding);
    }
    spec.commandLine().getOut().flush();
    return 0;
  }

  private void java() {
    add("java", true, Runtime.version().toString(), "");
  }

  private void kvm() throws IOException {
    Path device = Path.of("/dev/kvm");
    boolean present = Files.exists(device);
    boolean usable = present && Files.isReadable(device) && Files.isWritable(device);
    String flags = Files.readString(Path.of("/proc/cpuinfo"));
    boolean hardware = flags.contains(" svm") || flags.contains(" vmx");
    if (!present) {
      add(
          "kvm",
          false,
          "/dev/kvm is missing",
          "load kvm_amd or kvm_intel; tests on /dev/kvm are skipped");
    } else if (!usable) {
      add("kvm", false, "/dev/kvm cannot be opened", "run as root or join the group kvm");
    } else if (hardware) {
      add("kvm", true, "hardware", "");
    } else {
      add(
          "kvm",
          true,
          "software only: bare-metal test guests run here, Linux guests run in the lab's hosts",
          "");
    }
  }

  private void tap() {
    boolean there = Files.exists(Path.of("/dev/net/tun"));
    add("tap", there, there ? "/dev/net/tun" : "/dev/net/tun is missing", "modprobe tun");
  }

  private static Finding gate() {
    try {
      return gate(KernelGates.probe());
    } catch (GateException e) {
      return new Finding(
          GATE,
          false,
          "could not be tried: " + e.getMessage(),
          "run as root, in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN");
    }
  }

  /** Says what holds the frames of guests on a kernel, or which modules it would need. */
  static Finding gate(KernelGates gates) {
    if (!gates.usable()) {
      return new Finding(
          GATE,
          false,
          "frames of guests cannot be held: this kernel has no "
              + String.join(", no ", gates.missing()),
          "modprobe them, on a container's host; they are in Debian's linux-image-amd64 and"
              + " linux-image-cloud-amd64");
    }
    return new Finding(
        GATE,
        true,
        switch (gates.queue()) {
          case PLUG -> "frames of guests are held by a plug (sch_plug)";
          case TOKEN_BUCKETS ->
              "frames of guests are held by two token buckets (sch_tbf), for this kernel has no"
                  + " sch_plug";
          case NONE -> throw new IllegalArgumentException(gates.toString());
        },
        "");
  }

  private void root() {
    boolean root = "root".equals(System.getProperty("user.name"));
    add(
        "root",
        root,
        root ? "yes" : "no",
        "the lab makes a network namespace and images: run as root");
  }

  private void memory() throws IOException {
    long availableMib =
        Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .filter(line -> line.startsWith("MemAvailable:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024)
            .findFirst()
            .orElse(0);
    add(
        "memory",
        availableMib >= LAB_MEMORY_MIB,
        availableMib + " MiB available",
        "the lab wants " + LAB_MEMORY_MIB + " MiB");
  }

  private void tool(String what, String command, String option, String remedy) {
    Optional<String> version = firstLine(command, option);
    add(what, version.isPresent(), version.orElse(command + " not found"), remedy);
  }

  private static Optional<String> firstLine(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return Optional.empty();
      }
      return text.lines().findFirst();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private void add(String what, boolean good, String detail, String remedy) {
    findings.add(new Finding(what, good, detail, good ? "" : remedy));
  }

  private void print(Finding finding) {
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(dev.here.formats.state.MachineStateCodec.tree(finding));
    } else {
      out.printf(
          "%-9s %-4s %s%s%n",
          finding.what(),
          finding.good() ? "ok" : "NO",
          finding.detail(),
          finding.remedy().isEmpty() ? "" : "  -> " + finding.remedy());
    }
  }
}

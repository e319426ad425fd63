package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * Measures what the guest sees of CPUID, which no migration stream says: a second copy of the very
 * same QEMU, without disk and network, is started with the guest's own accelerator, CPU model and
 * topology and runs {@link ProbeImage}. Answers are kept for the life of this process, by program
 * file and options.
 */
final class CpuidProbe {
  private static final int MAX_OUTPUT_BYTES = 1 << 20;
  private static final long POLL_MILLIS = 10;
  private static final Map<List<String>, Measured> KNOWN = new ConcurrentHashMap<>();

  private CpuidProbe() {}

  /**
   * What the copy showed.
   *
   * @param vcpus by rising APIC id
   * @param words the copy's own account of its vCPUs, by vCPU index
   */
  record Measured(List<CpuidAnswers> vcpus, List<FeatureWords> words) {
    Measured {
      vcpus = List.copyOf(vcpus);
      words = List.copyOf(words);
    }
  }

  /**
   * Measures.
   *
   * @throws HypervisorException when the copy cannot be run or does not answer in time
   */
  static Measured measure(QemuInventory inventory, Path folder, Duration timeout) {
    List<String> options = options(inventory);
    var key = new ArrayList<>(options);
    key.add(identity(inventory.process().executable()));
    Measured known = KNOWN.get(key);
    if (known != null) {
      return known;
    }
    Measured measured = run(inventory.process().executable(), options, folder, timeout);
    int vcpus = inventory.vcpus().size();
    if (measured.vcpus().size() != vcpus || measured.words().size() != vcpus) {
      throw new HypervisorException(
          "the CPUID probe saw %d vCPUs, the guest has %d (hot-plugged ones cannot be carried)"
              .formatted(measured.vcpus().size(), vcpus));
    }
    KNOWN.put(key, measured);
    return measured;
  }

  /** The guest's own options as far as they shape its CPUs. */
  static List<String> options(QemuInventory inventory) {
    QemuCommandLine line = inventory.process().commandLine();
    if (line.has("readconfig")) {
      throw new HypervisorException(
          "QEMU was started with -readconfig, so its CPU options are not on its command line:"
              + " start it with plain options");
    }
    var options = new ArrayList<String>();
    options.addAll(List.of("-machine", machine(inventory, line)));
    for (String accel : line.values("accel")) {
      options.addAll(List.of("-accel", accel));
    }
    line.last("cpu").ifPresent(cpu -> options.addAll(List.of("-cpu", cpu)));
    line.last("smp").ifPresent(smp -> options.addAll(List.of("-smp", smp)));
    for (String global : line.values("global")) {
      if (global.contains("-cpu.") || global.contains("cpu,") || global.startsWith("driver=")) {
        options.addAll(List.of("-global", global));
      }
    }
    return options;
  }

  /** Machine type, with the accelerator where no -accel says it and the place of the APICs. */
  private static String machine(QemuInventory inventory, QemuCommandLine line) {
    var machine = new StringBuilder(inventory.machineType());
    boolean accelerated = !line.values("accel").isEmpty();
    for (String value : line.values("machine", "M")) {
      QemuCommandLine.suboptions(value, "type")
          .forEach((name, setting) -> {
            if (name.equals("kernel_irqchip") || name.equals("kernel-irqchip")) {
              machine.append(",kernel-irqchip=").append(setting);
            }
          });
    }
    if (!accelerated) {
      machine.append(",accel=").append(inventory.accelerator());
    }
    return machine.toString();
  }

  private static String identity(Path executable) {
    try {
      Path file = executable.toRealPath();
      return file + " " + Files.getLastModifiedTime(file) + " " + Files.size(file);
    } catch (IOException e) {
      return executable.toString();
    }
  }

  private static Measured run(
      Path executable, List<String> options, Path folder, Duration timeout) {
    Path image = folder.resolve("cpuid-probe.bin");
    Path output = folder.resolve("cpuid-probe.out");
    Path errors = folder.resolve("cpuid-probe.err");
    Path socket = folder.resolve("cpuid-probe.qmp");
    try {
      Files.deleteIfExists(socket);
      Files.write(image, ProbeImage.build());
      long deadline = System.nanoTime() + timeout.toNanos();
      Process process = start(executable, options, image, output, errors, socket);
      try {
        List<FeatureWords> words = startVcpus(process, socket, errors, deadline);
        if (!process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          throw new HypervisorException(
              "the CPUID probe (%s %s) did not end within %d ms"
                  .formatted(executable, String.join(" ", options), timeout.toMillis()));
        }
        return new Measured(CpuidAnswers.parse(result(process, output, errors)), words);
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      throw new HypervisorException("the CPUID probe cannot be run: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HypervisorException("interrupted while the CPUID probe ran", e);
    } finally {
      for (Path file : List.of(image, output, errors, socket)) {
        delete(file);
      }
    }
  }

  /** Lets the copy's vCPUs run, after it has told of them. */
  private static List<FeatureWords> startVcpus(
      Process process, Path socket, Path errors, long deadline)
      throws IOException, InterruptedException {
    try (QmpClient qmp = connect(process, socket, errors, deadline)) {
      Duration left = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
      var words = new ArrayList<FeatureWords>();
      for (JsonNode vcpu : qmp.execute("query-cpus-fast", left)) {
        words.add(FeatureWords.of(qmp, vcpu.path("qom-path").asString(""), left));
      }
      qmp.execute("cont", left);
      return words;
    }
  }

  private static QmpClient connect(Process process, Path socket, Path errors, long deadline)
      throws IOException, InterruptedException {
    while (true) {
      try {
        return QmpClient.connect(
            socket, Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
      } catch (HypervisorGoneException e) {
        if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS) || System.nanoTime() > deadline) {
          throw new HypervisorException(
              "the CPUID probe did not start: " + Files.readString(errors).strip(), e);
        }
      }
    }
  }

  private static Process start(
      Path executable, List<String> options, Path image, Path output, Path errors, Path socket)
      throws IOException {
    var words = new ArrayList<String>();
    words.add(executable.toRealPath().toString());
    words.addAll(options);
    words.addAll(
        List.of(
            "-m",
            "16",
            "-nodefaults",
            "-no-user-config",
            "-nic",
            "none",
            "-display",
            "none",
            "-vga",
            "none",
            "-serial",
            "none",
            "-monitor",
            "none",
            "-no-reboot",
            "-S",
            "-qmp",
            "unix:" + socket + ",server=on,wait=off",
            "-bios",
            image.toString(),
            "-debugcon",
            "file:" + output,
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=0x04"));
    var builder = new ProcessBuilder(words);
    builder.redirectErrorStream(true).redirectOutput(errors.toFile());
    builder.redirectInput(Path.of("/dev/null").toFile());
    return builder.start();
  }

  private static byte[] result(Process process, Path output, Path errors) throws IOException {
    // isa-debug-exit ends QEMU with 2 * value + 1.
    if (process.exitValue() != 1 || !Files.exists(output) || Files.size(output) == 0) {
      throw new HypervisorException(
          "the CPUID probe ended with status %d: %s"
              .formatted(process.exitValue(), Files.readString(errors).strip()));
    }
    if (Files.size(output) > MAX_OUTPUT_BYTES) {
      throw new HypervisorException(
          "the CPUID probe printed %d octets".formatted(Files.size(output)));
    }
    return Files.readAllBytes(output);
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("cannot remove " + file, e);
    }
  }
}

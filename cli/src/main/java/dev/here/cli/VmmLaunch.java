package dev.here.cli;

import dev.here.driver.vmm.VmmCommand;
import dev.here.driver.vmm.VmmControl;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Starts a VMM's process, which outlives this one. */
final class VmmLaunch {
  private static final long START_NANOS = 120_000_000_000L;
  private static final int ASK_MILLIS = 50;

  private VmmLaunch() {}

  /**
   * Starts a VMM and waits until its guest runs.
   *
   * @param options of the VMM, without its control socket
   * @param log gets what the process prints
   * @return its process id
   * @throws HypervisorException telling the VMM's own reason when it cannot start
   */
  static long start(List<String> options, Path control, Path log) throws IOException {
    if (answers(control)) {
      throw new HypervisorException(
          "a VMM answers at " + control + " already: stop it, or give another --name");
    }
    Process process =
        new ProcessBuilder(VmmCommand.ofThisJava(options).with(control))
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      long deadline = System.nanoTime() + START_NANOS;
      while (!answers(control)) {
        if (process.waitFor(ASK_MILLIS, TimeUnit.MILLISECONDS)) {
          throw new HypervisorException(reason(process.exitValue(), log));
        }
        if (System.nanoTime() > deadline) {
          process.destroyForcibly();
          throw new HypervisorException("the VMM has not started after 2 minutes; see " + log);
        }
      }
      return process.pid();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
      throw new HypervisorException("interrupted while the VMM started", e);
    }
  }

  private static boolean answers(Path control) {
    try (VmmControl vmm = VmmControl.connect(control)) {
      return vmm.pid() > 0;
    } catch (HypervisorGoneException e) {
      return false;
    }
  }

  /** The VMM's last words. */
  private static String reason(int status, Path log) throws IOException {
    String prefix = "here vm: ";
    return Files.readString(log, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith(prefix))
        .map(line -> line.substring(prefix.length()))
        .reduce((first, last) -> last)
        .orElse("the VMM ended with status %d; see %s".formatted(status, log));
  }
}

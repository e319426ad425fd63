package dev.here.driver.qemu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A real QEMU of a test's own, under TCG, that ends with the test or with this JVM. */
final class RunningQemu implements AutoCloseable {
  static final String BINARY = "qemu-system-x86_64";
  static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final Process process;
  private final QmpClient qmp;

  private RunningQemu(Process process, QmpClient qmp) {
    this.process = process;
    this.qmp = qmp;
  }

  /** Skips the calling test where there is no QEMU. */
  static void assumeInstalled() {
    boolean found =
        List.of(System.getenv("PATH").split(":")).stream()
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, BINARY)));
    assumeTrue(found, BINARY + " is not installed (apt install qemu-system-x86)");
  }

  static RunningQemu start(Path folder, String... options) throws Exception {
    return start(folder, Map.of(), options);
  }

  static RunningQemu start(Path folder, Map<String, String> environment, String... options)
      throws Exception {
    assumeInstalled();
    Path socket = folder.resolve("qmp");
    var words =
        new ArrayList<>(
            List.of(
                // Ends QEMU when this JVM dies without a word.
                "setpriv", "--pdeathsig", "KILL", BINARY, "-accel", "tcg", "-display", "none"));
    words.addAll(List.of("-qmp", "unix:" + socket + ",server=on,wait=off"));
    words.addAll(List.of(options));
    var builder = new ProcessBuilder(words);
    builder.environment().putAll(environment);
    Path log = folder.resolve("qemu.log");
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    Process process = builder.start();
    try {
      while (!Files.exists(socket)) {
        if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
          throw new IllegalStateException("QEMU ended: " + Files.readString(log));
        }
      }
      return new RunningQemu(process, connect(socket));
    } catch (Exception e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static QmpClient connect(Path socket) throws InterruptedException {
    for (int tries = 0; ; tries++) {
      try {
        return QmpClient.connect(socket, TIMEOUT);
      } catch (dev.here.hypervisor.HypervisorGoneException e) {
        if (tries == 100) {
          throw e;
        }
        Thread.sleep(20);
      }
    }
  }

  QmpClient qmp() {
    return qmp;
  }

  Process process() {
    return process;
  }

  QemuInventory inventory() {
    return QemuInventory.take(qmp, TIMEOUT);
  }

  @Override
  public void close() throws IOException {
    qmp.close();
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

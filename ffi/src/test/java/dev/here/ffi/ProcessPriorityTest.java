package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.here.testkit.NiceValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Priorities are seen from outside, of a process of its own. */
class ProcessPriorityTest {
  /** Takes the priority in its argument, waits for an octet, restores itself, waits for another. */
  static final class Changing {
    private Changing() {}

    public static void main(String[] arguments) throws IOException {
      System.out.write(ProcessPriority.setOwn(Integer.parseInt(arguments[0])) ? 1 : 0);
      System.out.flush();
      System.in.read();
      System.out.write(ProcessPriority.restoreOwn() ? 1 : 0);
      System.out.flush();
      System.in.read();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {7, -9})
  @Timeout(60)
  void aProcessChangesAndIsRestored(int nice) throws Exception {
    assumeThat(ProcessPriority.mayRestore()).as("the right to restore priorities").isTrue();
    Process process =
        new ProcessBuilder(
                "setsid",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Changing.class.getName(),
                Integer.toString(nice))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(process.getInputStream().read()).isEqualTo(1);
      assertThat(NiceValue.ofThreads(process.pid())).hasSizeGreaterThan(1).containsOnly(nice);
      assertThat(autogroup(process.pid())).allMatch(line -> line.endsWith("nice " + nice));
      process.getOutputStream().write(0);
      process.getOutputStream().flush();
      assertThat(process.getInputStream().read()).isEqualTo(1);
      assertThat(NiceValue.ofThreads(process.pid())).containsOnly(0);
      assertThat(autogroup(process.pid())).allMatch(line -> line.endsWith("nice 0"));
    } finally {
      process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
  }

  /** Empty where the kernel does not keep sessions apart. */
  private static List<String> autogroup(long pid) throws IOException {
    Path file = Path.of("/proc/" + pid + "/autogroup");
    return Files.exists(file) ? List.of(Files.readString(file).strip()) : List.of();
  }
}

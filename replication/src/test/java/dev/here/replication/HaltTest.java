package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An Error at any place where a thread of ours calls out ends the whole process, and at once. */
@Timeout(120)
class HaltTest {
  private static final String IN_ORDER = "something was put in order";

  @TempDir private Path folder;

  /** Whose thread the Error comes to. */
  enum Place {
    CAPTURE,
    PROGRESS,
    TRIAL,
    ACTIVATION
  }

  /** Two hosts in a process that halts on errors. */
  static final class Halting {
    private Halting() {}

    public static void main(String[] words) throws Exception {
      Halt.onErrors();
      Error error = new NoClassDefFoundError("told to fail");
      Rack rack = new Rack(1, 300, 2, true, 0);
      rack.loop.start();
      rack.awaitCheckpoints(5);
      switch (Place.valueOf(words[0])) {
        case CAPTURE -> rack.primary.breakNextCapture(error);
        case PROGRESS -> rack.primary.breakNextProgress(error);
        case TRIAL -> rack.standing().standby().breakTrials(error);
        case ACTIVATION -> {
          rack.standing().standby().breakActivation(error);
          rack.primary.crash();
          rack.awaitTakeOver();
        }
      }
      rack.loop.awaitEnd();
      System.out.println(IN_ORDER);
      System.exit(0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anErrorEndsTheProcess(Place place) throws Exception {
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Halting.class.getName(),
                place.name())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      boolean ended = process.waitFor(60, TimeUnit.SECONDS);
      String told = Files.readString(output);
      assertThat(ended).as(told).isTrue();
      assertThat(process.exitValue()).as(told).isEqualTo(Halt.STATUS);
      assertThat(told).doesNotContain(IN_ORDER);
    } finally {
      process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
  }
}

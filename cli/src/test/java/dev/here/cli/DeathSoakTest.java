package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.bench.DeathSoak;
import dev.here.bench.DeathTally;
import dev.here.bench.TwoHosts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/** A few rounds of the soak; more are {@code here test --soak --deaths N}. */
@Tag("kvm")
class DeathSoakTest {
  /** Each victim, and one round in which QEMU dies, too. */
  private static final int DEATHS = 6;

  @Test
  void noFrameIsLostOrUndoneWhoeverDies(@TempDir Path folder, TestReporter reporter)
      throws Exception {
    assumeTrue(TwoHosts.unavailable().isEmpty(), () -> TwoHosts.unavailable().orElse(""));
    List<String> lines = new ArrayList<>();
    long seed = System.nanoTime();
    DeathTally tally =
        new DeathSoak(HereProgram::command, folder, lines::add)
            .run(DEATHS, seed, System.nanoTime() + TimeUnit.MINUTES.toNanos(10));
    reporter.publishEntry("deaths", tally.summary(DEATHS));
    assertThat(tally.bad()).as("seed %d: %s", seed, lines).isEmpty();
    assertThat(tally.done()).isEqualTo(DEATHS);
    assertThat(tally.lostAnswers()).isZero();
    assertThat(tally.ended(DeathTally.Outcome.PROTECTED)).isPositive();
  }
}

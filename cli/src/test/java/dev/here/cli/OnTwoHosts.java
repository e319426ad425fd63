package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.bench.SeenAnswers;
import dev.here.bench.ServiceGuest;
import dev.here.bench.TwoHosts;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/** Tests whose cases share the daemons on two hosts, and have a guest each. */
abstract class OnTwoHosts {
  /** So long that a machine that is busy with other tests is not taken for one that hangs. */
  private static final String SUSPECT_AFTER_MILLIS = "4000";

  static TwoHosts hosts;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    assumeTrue(TwoHosts.unavailable().isEmpty(), () -> TwoHosts.unavailable().orElse(""));
    hosts = TwoHosts.start(folder, HereProgram::command, "--suspect-after", SUSPECT_AFTER_MILLIS);
  }

  @AfterAll
  static void end() {
    if (hosts != null) {
      hosts.close();
    }
  }

  /** The client's service is there again, and nothing that it saw was undone. */
  static void assertServes(ServiceGuest guest, String story, TestReporter reporter) {
    guest.awaitAnswers();
    SeenAnswers seen = guest.client().seen();
    reporter.publishEntry(
        story,
        "longest gap %.0f ms, %d answers, %d requests lost"
            .formatted(seen.longestGapNanos() / 1e6, seen.answers(), seen.lost()));
    assertThat(seen.isClean()).as("%s", seen).isTrue();
  }
}

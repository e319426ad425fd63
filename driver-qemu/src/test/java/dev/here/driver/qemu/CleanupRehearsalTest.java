package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class CleanupRehearsalTest {
  @Test
  void everyStepIsRehearsed() throws IOException {
    assertThat(CleanupRehearsal.run())
        .containsExactly(
            "left COLO",
            "removed filter here-nic0-in-filter",
            "removed filter here-nic0-out-filter",
            "removed socket here-nic0-in",
            "removed socket here-nic0-out",
            "restored the migration settings");
  }
}

package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class CleanupRehearsalTest {
  @Test
  void everyStepIsRehearsed() throws IOException {
    assertThat(CleanupRehearsal.run())
        .containsExactly("left COLO", "restored the migration settings");
  }
}

package dev.here.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.kvm.Kvm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SoakTest {
  private static final long MINUTE_NANOS = 60_000_000_000L;

  @Test
  @Timeout(600)
  void aFewFailoversOfEachKindLoseNothing(@TempDir Path folder) throws Exception {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
    List<String> lines = new ArrayList<>();
    Path kept = folder.resolve("state/soak.json");
    Soak soak = new Soak(folder, Optional.of(kept), lines::add);
    SoakTally tally = soak.run(4, Optional.of(7L), System.nanoTime() + 8 * MINUTE_NANOS);
    assertThat(tally.clean()).as("%s", lines).isTrue();
    assertThat(tally.done()).as("%s", lines).isEqualTo(4);
    assertThat(SoakTally.read(kept)).contains(tally);
    SoakTally resumed = soak.run(6, Optional.of(7L), System.nanoTime() + 8 * MINUTE_NANOS);
    assertThat(resumed.clean()).as("%s", lines).isTrue();
    assertThat(resumed.done()).isEqualTo(6);
    assertThat(resumed.kills()).isEqualTo(2);
    assertThat(resumed.hangs()).isEqualTo(2);
    assertThat(resumed.switchovers()).isEqualTo(2);
  }
}

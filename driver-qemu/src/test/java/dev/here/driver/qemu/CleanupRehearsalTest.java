package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class CleanupRehearsalTest {
  @Test
  void everyStepIsRehearsed() throws IOException {
    List<String> seen = new ArrayList<>();
    assertThat(
            CleanupRehearsal.run(folder ->
                new CleanupRehearsal.Sample(
                    new Passing(folder, seen), () -> seen.add("sample ended"))))
        .containsExactly(
            "left COLO",
            "removed filter here-nic0-out-filter",
            "let out the frames that were held of card 0",
            "removed filter here-nic0-in-filter",
            "removed socket here-nic0-in",
            "removed socket here-nic0-out",
            "restored the migration settings");
    assertThat(seen).containsExactly("passing ended", "sample ended");
  }

  private record Passing(Path folder, List<String> seen) implements HeldFrameSource {
    @Override
    public boolean holds(int card) {
      return true;
    }

    @Override
    public boolean passes(int card) {
      return true;
    }

    @Override
    public void endPassing(int card) {
      seen.add("passing ended");
    }

    @Override
    public void letOut(int card, Consumer<ByteBuffer> way) {
      throw new AssertionError("they have gone already");
    }
  }
}

package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class CleanupRehearsalTest {
  @Test
  void everyStepIsRehearsed() throws IOException {
    assertThat(CleanupRehearsal.run(OneFrame::new))
        .containsExactly(
            "let out 1 frames that were held of card 0",
            "removed filter here-nic0-in-filter",
            "removed filter here-nic0-out-filter",
            "left COLO",
            "removed socket here-nic0-in",
            "removed socket here-nic0-out",
            "removed socket here-nic0-held",
            "restored the migration settings");
  }

  private record OneFrame(Path folder) implements HeldFrameSource {
    @Override
    public boolean holds(int card) {
      return true;
    }

    @Override
    public void letOut(int card, Consumer<ByteBuffer> way) {
      way.accept(ByteBuffer.allocateDirect(80));
    }
  }
}

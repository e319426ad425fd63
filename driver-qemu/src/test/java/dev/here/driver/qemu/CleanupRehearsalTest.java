package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class CleanupRehearsalTest {
  @Test
  void everyStepIsRehearsed() throws IOException {
    assertThat(CleanupRehearsal.run(folder -> new OneFrame(folder, new AtomicBoolean())))
        .containsExactly(
            "left COLO",
            "removed filter here-nic0-out-filter",
            "let out 1 frames that were held of card 0",
            "removed filter here-nic0-in-filter",
            "removed socket here-nic0-in",
            "removed socket here-nic0-out",
            "removed socket here-nic0-held",
            "restored the migration settings");
  }

  private record OneFrame(Path folder, AtomicBoolean given) implements HeldFrameSource {
    @Override
    public boolean holds(int card) {
      return true;
    }

    @Override
    public void letOut(int card, Consumer<ByteBuffer> way) {
      if (given.compareAndSet(false, true)) {
        way.accept(ByteBuffer.allocateDirect(80));
      }
    }
  }
}

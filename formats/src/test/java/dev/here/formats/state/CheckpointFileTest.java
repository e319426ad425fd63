package dev.here.formats.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.LostField;
import dev.here.machine.MachineState;
import dev.here.machine.TranslationReport;
import dev.here.testkit.SampleMachine;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFileTest {
  private static final int PAGES = 10_000;

  @TempDir Path folder;
  private Path path;
  private final MachineState state = SampleMachine.state(7, 2, PAGES);

  @BeforeEach
  void name() {
    path = folder.resolve("vm.ckpt");
  }

  @Test
  void carriesStateReportAndMemory() throws IOException {
    TranslationReport report =
        new TranslationReport(List.of(new LostField("a/b", "1", "nobody asks")));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = scattered(arena);
      CheckpointFile.write(path, state, report, memory);
      try (CheckpointFile file = new CheckpointFile(path)) {
        MemorySegment copy = arena.allocate(memory.byteSize());
        file.readMemory(copy);
        assertThat(file.state()).isEqualTo(state);
        assertThat(file.report()).isEqualTo(report);
        assertThat(memory.mismatch(copy)).isEqualTo(-1);
      }
    }
  }

  @Test
  void aFileCutAnywhereIsRefused() throws IOException {
    CheckpointFile.write(path, state, TranslationReport.COMPLETE);
    byte[] whole = Files.readAllBytes(path);
    for (int length = 0; length < whole.length; length += 97) {
      Files.write(path, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> new CheckpointFile(path))
          .isInstanceOf(StateFormatException.class)
          .hasMessageContaining("vm.ckpt");
    }
  }

  @Test
  void aDamagedFileIsRefused() throws IOException {
    CheckpointFile.write(path, state, TranslationReport.COMPLETE);
    byte[] whole = Files.readAllBytes(path);
    SplittableRandom random = new SplittableRandom(3);
    for (int round = 0; round < 300; round++) {
      byte[] bad = whole.clone();
      // The four octets after the version are reserved and not checked.
      int at = random.nextInt(16, bad.length);
      bad[at] ^= (byte) (1 << random.nextInt(8));
      Files.write(path, bad);
      assertThatThrownBy(() -> new CheckpointFile(path))
          .as("bit flipped at %d", at)
          .isInstanceOf(StateFormatException.class);
    }
  }

  @Test
  void anotherVersionIsRefused() throws IOException {
    CheckpointFile.write(path, state, TranslationReport.COMPLETE);
    byte[] whole = Files.readAllBytes(path);
    whole[8] = 9;
    Files.write(path, whole);
    assertThatThrownBy(() -> new CheckpointFile(path))
        .isInstanceOf(StateFormatException.class)
        .hasMessageContaining("version is 9");
  }

  private static MemorySegment scattered(Arena arena) {
    MemorySegment memory = arena.allocate(PAGES * 4096L, 4096);
    SplittableRandom random = new SplittableRandom(11);
    for (int writes = 0; writes < 3000; writes++) {
      memory.set(
          ValueLayout.JAVA_LONG, random.nextLong(memory.byteSize() / 8) * 8, random.nextLong());
    }
    memory.asSlice(4096L * 100, 4096L * 5000).fill((byte) 5);
    return memory;
  }
}

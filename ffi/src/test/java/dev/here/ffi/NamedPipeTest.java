package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamedPipeTest {
  private static final int SMALL = 4096;

  @TempDir private Path folder;
  private Path path;

  @BeforeEach
  void create() {
    path = folder.resolve("pipe");
    NamedPipe.create(path);
  }

  private CompletableFuture<Void> write(byte[] message) {
    return CompletableFuture.runAsync(() -> {
      try (FileOutputStream out = new FileOutputStream(path.toFile())) {
        out.write(message);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    });
  }

  private static byte[] random(int size) {
    byte[] octets = new byte[size];
    new Random(7).nextBytes(octets);
    return octets;
  }

  private static byte[] read(NamedPipe pipe, int mostBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(mostBytes);
      int size = pipe.readAll(buffer, 10_000);
      return buffer.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  @Test
  void aMessageEndsWithItsWriterAndTheNextOneIsAnother() throws Exception {
    for (int size : new int[] {1, SMALL, 100_000}) {
      byte[] message = random(size);
      try (NamedPipe pipe = NamedPipe.open(path, SMALL)) {
        CompletableFuture<Void> writer = write(message);
        assertThat(pipe.awaitData(10_000)).isTrue();
        assertThat(read(pipe, 1 << 20)).isEqualTo(message);
        writer.get(10, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void aWriterStandsStillUntilItsMessageIsTaken() throws Exception {
    try (NamedPipe pipe = NamedPipe.open(path, SMALL)) {
      CompletableFuture<Void> writer = write(random(SMALL + 1));
      assertThat(pipe.awaitData(10_000)).isTrue();
      assertThatThrownBy(() -> writer.get(200, TimeUnit.MILLISECONDS))
          .isInstanceOf(java.util.concurrent.TimeoutException.class);
      assertThat(read(pipe, 1 << 20)).hasSize(SMALL + 1);
      writer.get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void aWiderPipeTakesTheWholeMessageAndKeepsIt() throws Exception {
    byte[] message = random(100_000);
    try (NamedPipe pipe = NamedPipe.open(path, SMALL)) {
      CompletableFuture<Void> writer = write(message);
      assertThat(pipe.awaitData(10_000)).isTrue();
      pipe.widen(1 << 20);
      writer.get(10, TimeUnit.SECONDS);
      assertThat(read(pipe, 1 << 20)).isEqualTo(message);
    }
  }

  @Test
  void nothingComesWithoutAWriter() {
    try (NamedPipe pipe = NamedPipe.open(path, SMALL)) {
      assertThat(pipe.awaitData(1)).isFalse();
    }
  }

  @Test
  void aReaderThatLeavesEndsItsWriter() {
    CompletableFuture<Void> writer;
    try (NamedPipe pipe = NamedPipe.open(path, SMALL)) {
      writer = write(random(100_000));
      assertThat(pipe.awaitData(10_000)).isTrue();
    }
    assertThatThrownBy(() -> writer.get(10, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(IOException.class);
  }

  @Test
  void tooLongAMessageAndAFileThatIsThereAreRefused() {
    try (NamedPipe pipe = NamedPipe.open(path, SMALL)) {
      write(random(2 * SMALL));
      assertThat(pipe.awaitData(10_000)).isTrue();
      assertThatThrownBy(() -> read(pipe, SMALL)).isInstanceOf(NativeException.class);
    }
    assertThatThrownBy(() -> NamedPipe.create(path)).isInstanceOf(NativeException.class);
  }
}

package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import org.junit.jupiter.api.Test;

class ColoStreamTest {
  private static StreamBytes checkpoint(StreamBytes out, byte[] state) {
    return out.u32(1)
        .u32(3)
        .u8(3)
        .u32(2)
        .u64(0x1000 | 8 | 0x20)
        .page(9)
        .u64(2)
        .name("pc.bios")
        .u8(0)
        .u64(0x10)
        .footer(2)
        .u8(0)
        .u32(4)
        .u64(state.length)
        .raw(state);
  }

  @Test
  void readsTheInitialStreamAndCheckpoints() throws IOException {
    byte[] state = new StreamBytes().port92().bytes();
    byte[] bytes = checkpoint(checkpoint(StreamBytes.colo(5), state), state).bytes();
    var pages = new Golden.Pages();
    var colo = new ColoStream(slow(bytes));

    MigrationStream initial = colo.readInitial(pages);
    assertThat(pages.seen).containsExactly("pc.ram@4096=5");
    for (int i = 0; i < 2; i++) {
      pages.seen.clear();
      assertThat(colo.awaitMessage()).isEqualTo(ColoMessage.CHECKPOINT_REQUEST);
      assertThat(colo.awaitMessage()).isEqualTo(ColoMessage.VMSTATE_SEND);
      ColoStream.Checkpoint checkpoint = colo.readCheckpoint(pages);
      // The first page of a checkpoint continues the block that was named last, ever.
      assertThat(pages.seen)
          .containsExactly((i == 0 ? "pc.ram" : "pc.bios") + "@4096=9", "pc.bios@0=zero");
      assertThat(checkpoint.ram().pages()).isEqualTo(1);
      assertThat(checkpoint.ram().zeroPages()).isEqualTo(1);
      VmState decoded =
          VmStateReader.read(initial.schema().orElseThrow(), checkpoint.deviceState());
      assertThat(decoded.require("port92", 0).number("outport")).isEqualTo(2);
    }
    assertThatThrownBy(colo::awaitMessage).isInstanceOf(EOFException.class);
  }

  @Test
  void readsWhatQemuSentASecondary() throws IOException {
    var pages = new Golden.Pages();
    var colo = new ColoStream(slow(Golden.stream("tcg-colo")));
    MigrationStream initial = colo.readInitial(pages);

    assertThat(initial.colo()).isTrue();
    assertThat(initial.machineType()).contains("pc-i440fx-7.2");
    for (int i = 0; i < 2; i++) {
      pages.seen.clear();
      assertThat(colo.awaitMessage()).isEqualTo(ColoMessage.CHECKPOINT_REQUEST);
      assertThat(colo.awaitMessage()).isEqualTo(ColoMessage.VMSTATE_SEND);
      ColoStream.Checkpoint checkpoint = colo.readCheckpoint(pages);
      assertThat(pages.seen).hasSize(3);
      VmState state = VmStateReader.read(initial.schema().orElseThrow(), checkpoint.deviceState());
      assertThat(state.require("timer", 0).number("cpu_clock_offset")).isPositive();
      assertThat(state.sections()).hasSameSizeAs(initial.schema().orElseThrow().sections());
    }
  }

  @Test
  void refusesAnOrdinaryMigration() {
    byte[] bytes = new StreamBytes().header("pc").ramStart().port92().port92Description().bytes();
    assertThatThrownBy(() -> new ColoStream(Golden.channel(bytes)).readInitial(new Golden.Pages()))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("x-colo");
  }

  @Test
  void refusesAnUnknownMessage() throws IOException {
    var colo = opened(StreamBytes.colo(5).u32(17));
    assertThatThrownBy(colo::awaitMessage)
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("17 is unknown");
  }

  @Test
  void anAnnouncedSizeReservesNothing() throws IOException {
    var colo = opened(StreamBytes.colo(5).u32(3).u8(0).u32(4).u64(64 << 20).u8(1));
    assertThat(colo.awaitMessage()).isEqualTo(ColoMessage.VMSTATE_SEND);
    assertThatThrownBy(() -> colo.readCheckpoint(new Golden.Pages()))
        .isInstanceOf(EOFException.class);
    var huge = opened(StreamBytes.colo(5).u32(3).u8(0).u32(4).u64(-1));
    huge.awaitMessage();
    assertThatThrownBy(() -> huge.readCheckpoint(new Golden.Pages()))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("18446744073709551615 bytes");
  }

  @Test
  void refusesAnotherSectionInTheRamPass() throws IOException {
    var colo = opened(StreamBytes.colo(5).u32(3).u8(4).u32(2));
    colo.awaitMessage();
    assertThatThrownBy(() -> colo.readCheckpoint(new Golden.Pages()))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("type 0x4");
  }

  private static ColoStream opened(StreamBytes bytes) throws IOException {
    var colo = new ColoStream(Golden.channel(bytes.bytes()));
    colo.readInitial(new Golden.Pages());
    return colo;
  }

  /** Gives the bytes in pieces of 1 to 1021, so that every read crosses piece borders. */
  private static ReadableByteChannel slow(byte[] bytes) {
    var whole = new ByteArrayInputStream(bytes);
    return Channels.newChannel(
        new java.io.InputStream() {
          private int piece;

          @Override
          public int read() {
            return whole.read();
          }

          @Override
          public int read(byte[] into, int offset, int length) {
            piece = piece % 1021 + 1;
            return whole.read(into, offset, Math.min(length, piece));
          }
        });
  }
}

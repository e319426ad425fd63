package dev.here.formats.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.control.ControlMessage.Phase;
import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.testkit.SampleMachine;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ControlCodecTest {
  private static final MachineState STATE = SampleMachine.state(7, 2, 16);

  /** What is in it is looked at by whoever asked for it, not by the codec. */
  private static final Bytes NO_STATE = Bytes.of(new byte[] {'{', -1, 0});

  private static final MemoryMap MAP =
      new MemoryMap(
          0x10000,
          List.of(
              new MemoryRegion("low", 0, 0x8000, MemoryKind.RAM, 0),
              new MemoryRegion("bios", 0xf0000, 0x8000, MemoryKind.ROM, 0x8000)));

  static List<ControlMessage> messages() {
    return List.of(
        new ControlMessage.Prepare(MAP, 2),
        new ControlMessage.Attach(),
        new ControlMessage.Validate(5, NO_STATE),
        new ControlMessage.Activate(5, Optional.empty()),
        new ControlMessage.Activate(6, Optional.of(NO_STATE)),
        new ControlMessage.Pause(),
        new ControlMessage.Resume(),
        new ControlMessage.Track(true),
        new ControlMessage.TakeDirty(),
        new ControlMessage.Capture(),
        new ControlMessage.TakeState(),
        new ControlMessage.Save("/var/lib/here/vm.ckpt"),
        new ControlMessage.AskStatus(),
        new ControlMessage.Quit(),
        new ControlMessage.AskDevices(),
        new ControlMessage.Ready(MAP, "here-vmm"),
        new ControlMessage.Done(123_456_789_012L),
        new ControlMessage.Captured(1, 2, 3, 4),
        new ControlMessage.DirtyTaken(77),
        new ControlMessage.StateIs(STATE),
        new ControlMessage.StatusIs(Phase.STOPPED, 9, true, "triple fault"),
        new ControlMessage.Failed(true, "no such device"),
        new ControlMessage.DevicesAre(
            2,
            List.of(
                new ControlMessage.Disk("/srv/root.img", true),
                new ControlMessage.Disk("/dev/sdb", false)),
            List.of(new ControlMessage.Card("tap0", 1), new ControlMessage.Card("tap1", 8))));
  }

  private static ControlMessage decode(byte[] octets) {
    ByteBuffer in = ByteBuffer.wrap(octets);
    ControlCodec.Header header = ControlCodec.header(in);
    byte[] payload = new byte[Math.min(header.payloadBytes(), in.remaining())];
    in.get(payload);
    return ControlCodec.decode(header, payload);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void comesBackAsItWas(ControlMessage message) {
    assertThat(decode(ControlCodec.encode(message))).isEqualTo(message);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void damageIsRefused(ControlMessage message) {
    byte[] octets = ControlCodec.encode(message);
    SplittableRandom random = new SplittableRandom(octets.length);
    for (int round = 0; round < 50; round++) {
      byte[] damaged = octets.clone();
      int at = random.nextInt(octets.length);
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      assertThatThrownBy(() -> decode(damaged)).isInstanceOf(ControlException.class);
    }
  }

  @Test
  void cutPayloadIsRefused() {
    byte[] octets = ControlCodec.encode(new ControlMessage.Captured(1, 2, 3, 4));
    byte[] cut = Arrays.copyOf(octets, octets.length - 3);
    assertThatThrownBy(() -> decode(cut)).isInstanceOf(ControlException.class);
  }

  @Test
  void lengthOverTheBoundIsRefusedBeforeAnythingIsRead() {
    ByteBuffer head =
        ByteBuffer.wrap(ControlCodec.encode(new ControlMessage.Pause()))
            .putInt(8, ControlCodec.MAX_PAYLOAD_BYTES + 1);
    assertThatThrownBy(() -> ControlCodec.header(head))
        .isInstanceOf(ControlException.class)
        .hasMessageContaining("at most");
  }

  @Test
  void requestsOfEarlierVersionsAreUnknownNow() {
    for (int type : new int[] {14, 15, 16, 17, 135}) {
      assertThatThrownBy(() -> decode(ofType(type)))
          .isInstanceOf(ControlException.class)
          .hasMessageContaining("unknown message type " + type);
    }
  }

  private static byte[] ofType(int type) {
    byte[] head =
        Arrays.copyOf(ControlCodec.encode(new ControlMessage.Pause()), ControlCodec.HEADER_BYTES);
    ByteBuffer.wrap(head).putShort(6, (short) type);
    CRC32C crc = new CRC32C();
    crc.update(head, 0, ControlCodec.HEADER_BYTES - 4);
    ByteBuffer.wrap(head).putInt(ControlCodec.HEADER_BYTES - 4, (int) crc.getValue());
    return head;
  }

  @Test
  void aCardWithoutQueuePairsIsRefused() {
    byte[] octets =
        ControlCodec.encode(
            new ControlMessage.DevicesAre(
                1, List.of(), List.of(new ControlMessage.Card("tap0", 0))));
    assertThatThrownBy(() -> decode(octets))
        .isInstanceOf(ControlException.class)
        .hasMessageContaining("tap0");
  }

  @Test
  void otherVersionIsRefusedByName() {
    ByteBuffer head =
        ByteBuffer.wrap(ControlCodec.encode(new ControlMessage.Pause())).putShort(4, (short) 2);
    assertThatThrownBy(() -> ControlCodec.header(head))
        .isInstanceOf(ControlException.class)
        .hasMessageContaining("version 2");
  }
}

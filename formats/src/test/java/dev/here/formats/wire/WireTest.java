package dev.here.formats.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.Bytes;
import dev.here.machine.CardLink;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PortVlans;
import dev.here.machine.VlanRange;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WireTest {
  private static final MemorySegment PAGE = Arena.global().allocate(4096);

  private static Message.Hello hello(CardLink... cards) {
    MemoryMap memory =
        new MemoryMap(1 << 20, List.of(new MemoryRegion("ram", 0, 1 << 20, MemoryKind.RAM, 0)));
    List<String> disks = List.of("/a", "/b");
    return new Message.Hello(
        new UUID(1, 2), new UUID(3, 4), 5, "büro", 2, 8, memory, disks, List.of(cards));
  }

  private static CardLink card(int pvid, List<VlanRange> untagged, List<VlanRange> tagged) {
    return new CardLink("br0", 9000, 2, Optional.of(new PortVlans(pvid, untagged, tagged)));
  }

  private static CardLink trunk() {
    return card(
        10,
        List.of(new VlanRange(10, 10)),
        List.of(new VlanRange(20, 29), new VlanRange(4094, 4094)));
  }

  static List<Message> messages() {
    return List.of(
        hello(),
        hello(new CardLink("vmbr1", 1500, 1, Optional.empty()), trunk(), CardLink.UNKNOWN),
        new Message.Attach(new UUID(3, 4), 7),
        new Message.Welcome(new UUID(5, 6), 0),
        new Message.Refusal(RefusalCode.FENCED, "token 3 is older than 4"),
        new Message.StreamEnd(9, 100, 3),
        new Message.Machine(9, Bytes.of(new byte[] {1, 2, 3})),
        new Message.EpochEnd(9, 200, -5),
        new Message.Ack(9, 12345),
        new Message.Progress(1, 9, true, false, true, 77),
        new Message.Goodbye(Ending.HUNG, 9, "stood still"));
  }

  private static byte[] written(Message message) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new FrameWriter(Channels.newChannel(out), WireProtocol.VERSION).write(message);
    return out.toByteArray();
  }

  private static FrameReader reader(byte[] octets) {
    return reader(octets, WireProtocol.VERSION);
  }

  private static FrameReader reader(byte[] octets, int version) {
    return new FrameReader(Channels.newChannel(new ByteArrayInputStream(octets)), version);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void messagesComeBackEqual(Message message) throws IOException {
    FrameReader reader = reader(written(message));
    assertThat(reader.nextMessage()).isEqualTo(message);
    assertThatThrownBy(reader::next).isInstanceOf(EOFException.class);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void everyBitCounts(Message message) throws IOException {
    byte[] octets = written(message);
    for (int bit = 0; bit < octets.length * 8; bit++) {
      byte[] damaged = octets.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> reader(damaged).nextMessage()).isInstanceOf(WireException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("messages")
  void everyTruncationIsSeen(Message message) throws IOException {
    byte[] octets = written(message);
    for (int length = 1; length < octets.length; length++) {
      byte[] cut = Arrays.copyOf(octets, length);
      assertThatThrownBy(() -> reader(cut).nextMessage()).isInstanceOf(WireException.class);
    }
  }

  private static byte[] payload(Message message, int version) {
    ByteBuffer encoded =
        ByteBuffer.allocate(MessageCodec.maxEncodedBytes(message)).order(ByteOrder.LITTLE_ENDIAN);
    MessageCodec.encode(message, encoded, version);
    return Arrays.copyOf(encoded.array(), encoded.position());
  }

  /** Octets as version 1 of this program wrote them: nothing of it was changed. */
  @Test
  void aHelloOfVersion1IsReadAsOneUnknownCard() {
    byte[] old =
        HexFormat.of()
            .parseHex(
                "0100000000000000"
                    + "0200000000000000" // VM
                    + "0300000000000000"
                    + "0400000000000000" // session
                    + "0500000000000000" // token
                    + "0500"
                    + "62c3bc726f" // name
                    + "02"
                    + "08" // streams, vCPUs
                    + "0000100000000000" // backing size
                    + "0100" // regions
                    + "0000000000000000"
                    + "0000100000000000"
                    + "0000000000000000" // ram
                    + "01"
                    + "0300"
                    + "72616d"
                    + "02"
                    + "0200"
                    + "2f61"
                    + "0200"
                    + "2f62"); // disks
    assertThat(MessageCodec.decode(FrameType.HELLO, ByteBuffer.wrap(old), 1))
        .isEqualTo(hello(CardLink.UNKNOWN));
    assertThat(payload(hello(trunk()), 1)).isEqualTo(old);
    assertThatThrownBy(() -> MessageCodec.decode(FrameType.HELLO, ByteBuffer.wrap(old), 2))
        .hasMessage("HELLO ends too early");
    byte[] fresh = payload(hello(trunk()), 2);
    assertThatThrownBy(() -> MessageCodec.decode(FrameType.HELLO, ByteBuffer.wrap(fresh), 1))
        .hasMessageContaining("octets too many");
  }

  /** The end of a HELLO is its cards; each change to it is one that no card can have. */
  @Test
  void cardsThatCannotBeAreRefused() {
    refusesCards("cards is 17", "11");
    refusesCards("cards is -1", "ff");
    refusesCards("text length is 16", "01" + "1000" + "30".repeat(16));
    refusesCards("no bridge can have", "01" + "0300" + "612f62" + "dc05" + "0100" + "00");
    refusesCards("no bridge can have", "01" + "0300" + "610a62" + "dc05" + "0100" + "00");
    refusesCards("mtuBytes is 67", "01" + "0000" + "4300" + "0100" + "00");
    refusesCards("queuePairs is 0", "01" + "0000" + "dc05" + "0000" + "00");
    refusesCards("queuePairs is 257", "01" + "0000" + "dc05" + "0101" + "00");
    refusesCards("VLAN filtering is 2", "01" + "0000" + "dc05" + "0100" + "02");
    String filtered = "01" + "0000" + "dc05" + "0100" + "01";
    refusesCards("PVID is 5", filtered + "0500" + "00" + "00");
    refusesCards("PVID is 5", filtered + "0500" + "01" + "06000600" + "00");
    refusesCards("PVID is 65535", filtered + "ffff" + "00" + "00");
    refusesCards("runs of VLANs is 129", filtered + "0000" + "81");
    refusesCards("vlans.first is 0", filtered + "0000" + "01" + "00000100" + "00");
    refusesCards("vlans.last is 4095", filtered + "0000" + "01" + "0100ff0f" + "00");
    refusesCards("vlans.last is 1", filtered + "0000" + "01" + "02000100" + "00");
    refusesCards("must be 4 to", filtered + "0000" + "02" + "01000200" + "03000400" + "00");
    refusesCards("both", filtered + "0000" + "01" + "01000200" + "01" + "02000300");
    refusesCards("ends too early", filtered + "0000" + "01" + "0100");
  }

  private static void refusesCards(String why, String cards) {
    byte[] without = payload(hello(), 1);
    byte[] end = HexFormat.of().parseHex(cards);
    byte[] payload = Arrays.copyOf(without, without.length + end.length);
    System.arraycopy(end, 0, payload, without.length, end.length);
    assertThatThrownBy(() -> MessageCodec.decode(FrameType.HELLO, ByteBuffer.wrap(payload), 2))
        .isInstanceOf(WireException.class)
        .hasMessageContaining(why);
  }

  /** Hostile payloads with valid checksums: decoded or refused, never anything else. */
  @ParameterizedTest
  @MethodSource("messages")
  void mutatedPayloadsAreDecodedOrRefused(Message message) {
    byte[] payload = payload(message, WireProtocol.VERSION);
    SplittableRandom random = new SplittableRandom(message.type().code());
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
      byte[] mutated = Arrays.copyOf(payload, Math.max(0, payload.length + random.nextInt(-3, 4)));
      for (int change = random.nextInt(4); change >= 0 && mutated.length > 0; change--) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
      }
      try {
        MessageCodec.decode(message.type(), ByteBuffer.wrap(mutated), WireProtocol.VERSION);
      } catch (WireException e) {
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  private static byte[] header(int type, int reserved, int length) {
    return ByteBuffer.allocate(8)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) type)
        .put((byte) reserved)
        .putShort((short) 0)
        .putInt(length)
        .array();
  }

  @Test
  void badHeadersAreRefused() {
    assertThatThrownBy(() -> reader(header(0, 0, 0)).next()).hasMessageContaining("type 0");
    assertThatThrownBy(() -> reader(header(200, 0, 0)).next()).hasMessageContaining("type 200");
    assertThatThrownBy(() -> reader(header(9, 1, 0)).next()).hasMessageContaining("reserved");
    assertThatThrownBy(() -> reader(header(9, 0, 65)).next()).hasMessageContaining("at most 64");
    assertThatThrownBy(() -> reader(header(7, 0, -1)).next()).hasMessageContaining("4294967295");
  }

  @Test
  void anAnnouncedLengthIsNotAllocated() {
    assertThatThrownBy(() -> reader(header(7, 0, 8 << 20)).next())
        .hasMessageContaining("ended inside");
  }

  private static FrameReader pages(PageFrame frame) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new FrameWriter(Channels.newChannel(out), WireProtocol.VERSION).write(frame);
    return reader(out.toByteArray());
  }

  @Test
  void pagesComeBackInOrder() throws IOException {
    PageFrame frame = new PageFrame();
    frame.begin(4);
    int added = 0;
    while (!frame.isFull()) {
      frame.add(added, PageEncoding.RAW, PAGE, 0, 4096);
      frame.addZero(added + 1);
      added += 2;
    }
    FrameReader reader = pages(frame);
    assertThat(reader.next()).isEqualTo(FrameType.PAGES);
    PageCursor cursor = new PageCursor(added, 0, 1);
    cursor.open(reader);
    assertThat(cursor.epoch()).isEqualTo(4);
    for (int page = 0; page < added; page++) {
      assertThat(cursor.next()).isTrue();
      assertThat(cursor.pageIndex()).isEqualTo(page);
      assertThat(cursor.dataBytes()).isEqualTo(page % 2 == 0 ? 4096 : 0);
    }
    assertThat(cursor.next()).isFalse();
  }

  private static void refuses(String why, int pageIndex, int encoding, int length)
      throws IOException {
    PageFrame frame = new PageFrame();
    frame.begin(1);
    frame.add(pageIndex, encoding, PAGE, 0, length);
    FrameReader reader = pages(frame);
    reader.next();
    PageCursor cursor = new PageCursor(100, 0, 2);
    cursor.open(reader);
    assertThatThrownBy(cursor::next).isInstanceOf(WireException.class).hasMessageContaining(why);
  }

  @Test
  void badPageEntriesAreRefused() throws IOException {
    refuses("beyond", 100, PageEncoding.RAW, 4096);
    refuses("beyond", -1, PageEncoding.RAW, 4096);
    refuses("stream 0 of 2", 64, PageEncoding.RAW, 4096);
    refuses("encoding 4", 1, 4, 10);
    refuses("encoding 0", 1, PageEncoding.ZERO, 1);
    refuses("encoding 1", 1, PageEncoding.RAW, 4095);
    refuses("encoding 2", 1, PageEncoding.LZ4, 0);
    refuses("encoding 3", 1, PageEncoding.DELTA_LZ4, 4096);
  }
}

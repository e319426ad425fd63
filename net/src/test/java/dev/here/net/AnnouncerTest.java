package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnnouncerTest {
  private static final byte[] MAC = HexFormat.of().parseHex("525400123456");
  private final GuestAddresses addresses = new GuestAddresses();

  private void observe(String frame) {
    byte[] octets = HexFormat.of().parseHex(frame.replace(" ", ""));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment record = arena.allocate(12L + octets.length);
      MemorySegment.copy(octets, 0, record, ValueLayout.JAVA_BYTE, 12, octets.length);
      addresses.observe(record, 12 + octets.length);
    }
  }

  private static String hex(byte[] octets) {
    return HexFormat.of().formatHex(octets);
  }

  @Test
  void learnsFromArpAndIp() {
    String arp = "ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 ";
    observe(arp + "0a090002 000000000000 0a090001");
    observe(arp + "00000000 000000000000 0a090005");
    observe("010203040506 525400123456 0800 4500001400000000400100000a09000308080808");
    observe("010203040506 525400123456 0800 4500001400000000400100000a09000208080808");
    observe("010203040506 525400123456 0800 450000140000000040010000e000000108080808");
    String ip6 = "333300000001 525400123456 86dd 6000000000003aff ";
    observe(ip6 + "fe80000000000000505400fffe123456 ff020000000000000000000000000001");
    observe(ip6 + "00000000000000000000000000000000 ff020000000000000000000000000001");
    observe("010203040506 525400123456 0806");
    assertThat(addresses.mac().map(HexFormat.of()::formatHex)).contains("525400123456");
    assertThat(addresses.ip4().stream().map(AnnouncerTest::hex))
        .containsExactly("0a090002", "0a090003");
    assertThat(addresses.ip6().stream().map(AnnouncerTest::hex))
        .containsExactly("fe80000000000000505400fffe123456");
  }

  @Test
  void aFloodOfAddressesIsBounded() {
    for (int at = 0; at < 300; at++) {
      observe(
          "010203040506 525400123456 0800 4500001400000000400100000a09%04x08080808".formatted(at));
    }
    assertThat(addresses.ip4()).hasSize(GuestAddresses.MAX_ADDRESSES);
  }

  @Test
  void announcesByRarpArpAndNeighbourAdvertisement() {
    Announcer announcer =
        new Announcer(
            MAC,
            List.of(new byte[] {10, 9, 0, 2}),
            List.of(HexFormat.of().parseHex("fe80000000000000505400fffe123456")));
    RecordingPort port = new RecordingPort();
    assertThat(announcer.announce(port)).isEqualTo(3);
    List<String> sent = port.sent().stream().map(AnnouncerTest::hex).toList();
    String none = "000000000000000000000000";
    assertThat(sent.get(0))
        .startsWith(
            none
                + "ffffffffffff5254001234568035"
                + "00010800060400035254001234560000000052540012345600000000")
        .hasSize(2 * 72);
    assertThat(sent.get(1))
        .startsWith(
            none
                + "ffffffffffff5254001234560806"
                + "00010800060400015254001234560a0900020000000000000a090002");
    assertThat(sent.get(2))
        .startsWith(none + "33330000000152540012345686dd6000000000203aff")
        .endsWith("20000000fe80000000000000505400fffe1234560201525400123456");
    assertThat(ones(port.sent().get(2))).isEqualTo(0xffff);
  }

  @Test
  void announcesOnEachVlanOfTheGuestsOwn() {
    List<String> frames =
        new Announcer(MAC, List.of(5, 4094)).frames().stream().map(AnnouncerTest::hex).toList();
    String request = "8035" + "0001080006040003525400123456";
    assertThat(frames).hasSize(3);
    assertThat(frames.get(0)).startsWith("ffffffffffff525400123456" + request);
    assertThat(frames.get(1)).startsWith("ffffffffffff525400123456" + "81000005" + request);
    assertThat(frames.get(2)).startsWith("ffffffffffff525400123456" + "81000ffe" + request);
  }

  /** The sum over pseudo-header and message that a receiver takes (RFC 1071): all ones. */
  private static int ones(byte[] record) {
    int start = 12 + 14;
    long sum = 32 + 58;
    for (int at = start + 8; at < record.length; at += 2) {
      sum += (record[at] & 0xff) << 8 | record[at + 1] & 0xff;
    }
    while (sum > 0xffff) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (int) sum;
  }
}

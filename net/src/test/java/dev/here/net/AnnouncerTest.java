package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnnouncerTest {
  private static final byte[] MAC = HexFormat.of().parseHex("525400123456");

  private static String hex(byte[] octets) {
    return HexFormat.of().formatHex(octets);
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

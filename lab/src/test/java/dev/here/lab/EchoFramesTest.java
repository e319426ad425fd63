package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class EchoFramesTest {
  private static final HexFormat HEX = HexFormat.of();
  private static final byte[] GUEST = HEX.parseHex("525400123466");
  private static final byte[] OWN = HEX.parseHex("020000000001");

  private final EchoFrames frames =
      new EchoFrames(
          100, OWN, InetAddress.getByName("10.88.4.1"), InetAddress.getByName("10.88.4.50"));

  EchoFramesTest() throws UnknownHostException {}

  /** What the guest sends back to a frame of ours, without the tag. */
  private static byte[] untagged(byte[] frame) {
    byte[] bare = new byte[frame.length - 4];
    System.arraycopy(frame, 0, bare, 0, 12);
    System.arraycopy(frame, 16, bare, 12, bare.length - 12);
    return bare;
  }

  private static byte[] reply(byte[] request) {
    byte[] reply = untagged(request);
    byte[] source = Arrays.copyOfRange(reply, 26, 30);
    System.arraycopy(reply, 30, reply, 26, 4);
    System.arraycopy(source, 0, reply, 30, 4);
    reply[34] = 0;
    return reply;
  }

  @Test
  void asksForTheGuestInItsVlan() {
    assertThat(HEX.formatHex(frames.question()))
        .isEqualTo(
            "ffffffffffff"
                + "020000000001"
                + "81000064"
                + "0806"
                + "0001080006040001"
                + "020000000001"
                + "0a580401"
                + "000000000000"
                + "0a580432");
  }

  @Test
  void anEchoRequestHasItsChecksums() {
    assertThat(HEX.formatHex(frames.request(GUEST, 7, 3)))
        .startsWith("525400123466" + "020000000001" + "81000064" + "0800" + "4500001f00074000")
        .hasSize(2 * (18 + 20 + 8 + 3));
    byte[] request = frames.request(GUEST, 7, 3);
    assertThat(sum(request, 18, 20)).isEqualTo(0xffff);
    assertThat(sum(request, 38, 11)).isEqualTo(0xffff);
  }

  /** The ones' complement sum over a header with its checksum is all ones (RFC 1071). */
  private static int sum(byte[] frame, int at, int size) {
    int sum = 0;
    for (int i = 0; i < size; i++) {
      sum += (frame[at + i] & 0xff) << (i % 2 == 0 ? 8 : 0);
    }
    return (sum & 0xffff) + (sum >> 16);
  }

  @Test
  void knowsTheGuestsAnswersFromOthers() {
    byte[] reply = reply(frames.request(GUEST, 7, 8900));
    assertThat(frames.reply(reply, 8900)).contains(7);
    assertThat(frames.reply(reply, 8899)).isEmpty();
    byte[] damaged = reply.clone();
    damaged[8000]++;
    assertThat(frames.reply(damaged, 8900)).isEmpty();
    assertThat(frames.reply(untagged(frames.request(GUEST, 7, 8900)), 8900)).isEmpty();
    assertThat(frames.reply(new byte[10], 8900)).isEmpty();
  }

  @Test
  void learnsTheGuestsAddressAndAnswersItsQuestion() throws UnknownHostException {
    EchoFrames guests =
        new EchoFrames(
            100, GUEST, InetAddress.getByName("10.88.4.50"), InetAddress.getByName("10.88.4.1"));
    assertThat(frames.isQuestion(untagged(guests.question()))).isTrue();
    assertThat(frames.isQuestion(untagged(frames.question()))).isFalse();
    assertThat(frames.guestMac(untagged(guests.answer(OWN)))).contains(GUEST);
    assertThat(frames.guestMac(untagged(guests.question()))).isEmpty();
    assertThat(frames.guestMac(new byte[20])).isEmpty();
  }
}

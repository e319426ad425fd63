package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.testkit.OwnNetwork;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Links as the kernel tells of them: in network namespaces of their own, and from bytes. */
class LinkFactsTest {

  private interface Body {
    void run(RouteNetlink netlink) throws Exception;
  }

  /** Runs on a thread with a namespace of its own, which ends with the thread. */
  private static void inOwnNamespace(Body body) throws Exception {
    OwnNetwork.run(
        Threads::enterOwnNetwork,
        () -> {
          try (RouteNetlink netlink = RouteNetlink.open()) {
            body.run(netlink);
          }
        });
  }

  private static LinkFacts facts(RouteNetlink netlink, String name) {
    return LinkFacts.find(netlink, name).orElseThrow();
  }

  @Test
  void tellsOfABridgeAndItsPort() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      netlink.addVeth("left", "right");
      netlink.mtu("left", 9000);
      netlink.master("left", "br0");
      LinkFacts bridge = facts(netlink, "br0");
      assertThat(bridge.kind()).isEqualTo(LinkFacts.BRIDGE);
      assertThat(bridge.master()).isZero();
      assertThat(bridge.vlanFiltering()).isFalse();
      LinkFacts left = facts(netlink, "left");
      assertThat(left.name()).isEqualTo("left");
      assertThat(left.kind()).isEqualTo("veth");
      assertThat(left.mtuBytes()).isEqualTo(9000);
      assertThat(left.master()).isEqualTo(bridge.index());
      assertThat(left.alias()).isEmpty();
      assertThat(LinkFacts.find(netlink, left.index())).contains(left);
      assertThat(LinkFacts.find(netlink, "nothing")).isEmpty();
      assertThat(LinkFacts.find(netlink, 4711)).isEmpty();
      netlink.request(
          NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, left.index(), 0, 0)
              .attribute(LinkFacts.IFLA_IFALIAS, "of somebody"),
          "set an alias");
      assertThat(facts(netlink, "left").alias()).isEqualTo("of somebody");
    });
  }

  @Test
  void countsTheQueuesOfATap() throws Exception {
    inOwnNamespace(netlink -> {
      int flags = Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR;
      try (FileDescriptor first = Tun.open("many", flags | Tun.IFF_MULTI_QUEUE).descriptor();
          FileDescriptor second = Tun.open("many", flags | Tun.IFF_MULTI_QUEUE).descriptor();
          FileDescriptor one = Tun.open("one", flags).descriptor()) {
        assertThat(facts(netlink, "many").kind()).isEqualTo(LinkFacts.TUN);
        assertThat(facts(netlink, "many").multiQueue()).isTrue();
        assertThat(facts(netlink, "many").queues()).isEqualTo(2);
        assertThat(facts(netlink, "one").multiQueue()).isFalse();
        assertThat(first.number()).isNotEqualTo(second.number());
        assertThat(one.number()).isPositive();
      }
    });
  }

  @Test
  void portsOfABridgeWithVlansHaveThoseThatAreSet() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      netlink.addVeth("left", "right");
      netlink.master("left", "br0");
      int left = facts(netlink, "left").index();
      Assumptions.assumeTrue(
          netlink
              .exchange(List.of(filtering(facts(netlink, "br0").index())), "filter VLANs")
              .getFirst()
              .isDone(),
          "this kernel's bridges have no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)");
      assertThat(facts(netlink, "br0").vlanFiltering()).isTrue();
      assertThat(BridgeVlans.of(netlink, left)).isEqualTo(vlans(1, "1", ""));
      for (BridgeVlans wanted :
          new BridgeVlans[] {
            vlans(10, "10", ""),
            vlans(20, "20", "30-39,41,4094"),
            vlans(0, "", "2-4094"),
            vlans(7, "5-9", "12"),
            vlans(8, "", "7-9"),
            BridgeVlans.none(),
            vlans(1, "1", ""),
          }) {
        wanted.set(netlink, left);
        assertThat(BridgeVlans.of(netlink, left)).isEqualTo(wanted);
      }
    });
  }

  @Test
  void aPortWithoutVlansHasNone() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addVeth("left", "right");
      int left = facts(netlink, "left").index();
      assertThat(BridgeVlans.of(netlink, left)).isEqualTo(BridgeVlans.none());
    });
  }

  private static NetlinkMessage filtering(int bridge) {
    return NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, bridge, 0, 0)
        .begin(NetlinkMessage.IFLA_LINKINFO)
        .attribute(NetlinkMessage.IFLA_INFO_KIND, "bridge")
        .begin(NetlinkMessage.IFLA_INFO_DATA)
        .attribute(LinkFacts.IFLA_BR_VLAN_FILTERING, new byte[] {1})
        .end()
        .end();
  }

  /** {@code untagged} and {@code tagged} as bridge(8) shows them: {@code 5-9,12}. */
  private static BridgeVlans vlans(int pvid, String untagged, String tagged) {
    return new BridgeVlans(pvid, set(untagged), set(tagged));
  }

  private static BitSet set(String text) {
    BitSet set = new BitSet();
    for (String part : text.isEmpty() ? new String[0] : text.split(",")) {
      String[] ends = part.split("-");
      set.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
    }
    return set;
  }

  /** What the kernel says of a port with VLANs 20 (PVID), 30 to 39 and 41 (linux/if_bridge.h). */
  @Test
  void decodesTheVlansOfAPort() {
    byte[] request =
        NetlinkMessage.bridgePort(BridgeVlans.RTM_SETLINK, 0, 5)
            .begin(NetlinkMessage.IFLA_AF_SPEC)
            .attribute(1, new byte[2])
            .attribute(BridgeVlans.IFLA_BRIDGE_VLAN_INFO, info(2 | 4, 20))
            .attribute(BridgeVlans.IFLA_BRIDGE_VLAN_INFO, info(8, 30))
            .attribute(BridgeVlans.IFLA_BRIDGE_VLAN_INFO, info(16, 39))
            .attribute(BridgeVlans.IFLA_BRIDGE_VLAN_INFO, info(0, 41))
            .end()
            .toBytes(1);
    assertThat(request[16]).isEqualTo((byte) 7);
    BridgeVlans decoded = BridgeVlans.decode(spec(request));
    assertThat(decoded).isEqualTo(vlans(20, "20", "30-39,41"));
  }

  @Test
  void refusesVlansThatCannotBe() {
    for (int[] flagsAndVid : new int[][] {{0, 0}, {0, 4095}, {16, 5}}) {
      byte[] request =
          NetlinkMessage.bridgePort(BridgeVlans.RTM_SETLINK, 0, 5)
              .begin(NetlinkMessage.IFLA_AF_SPEC)
              .attribute(BridgeVlans.IFLA_BRIDGE_VLAN_INFO, info(flagsAndVid[0], flagsAndVid[1]))
              .end()
              .toBytes(1);
      assertThatThrownBy(() -> BridgeVlans.decode(spec(request)))
          .isInstanceOf(NativeException.class)
          .hasMessageContaining("EBADMSG");
    }
  }

  @Test
  void aRunOfVlansIsOneRequestWithItsEnds() {
    byte[] request =
        BridgeVlans.request(
                BridgeVlans.RTM_SETLINK, 5, 30, 39, BridgeVlans.BRIDGE_VLAN_INFO_UNTAGGED)
            .toBytes(1);
    ByteBuffer in = ByteBuffer.wrap(request).order(ByteOrder.nativeOrder());
    assertThat(in.getShort(4)).isEqualTo((short) 19);
    assertThat(in.getInt(20)).isEqualTo(5);
    assertThat(in.getInt(40)).isEqualTo(30 << 16 | 4 | 8);
    assertThat(in.getInt(48)).isEqualTo(39 << 16 | 4 | 16);
  }

  private static byte[] info(int flags, int vid) {
    return ByteBuffer.allocate(4)
        .order(ByteOrder.nativeOrder())
        .putShort((short) flags)
        .putShort((short) vid)
        .array();
  }

  private static NetlinkAttributes spec(byte[] request) {
    ByteBuffer message = ByteBuffer.wrap(request).order(ByteOrder.nativeOrder());
    ByteBuffer content = message.position(NetlinkMessage.HEADER_BYTES).slice();
    return LinkFacts.attributes(content).within(NetlinkMessage.IFLA_AF_SPEC);
  }

  /** A whole datagram: two answers and the end of the list, and one message for somebody else. */
  @Test
  void collectsTheAnswersOfItsOwnQuestion() {
    ByteBuffer datagram = ByteBuffer.allocate(200).order(ByteOrder.nativeOrder());
    message(datagram, 16, 7, 0, new byte[] {1, 2, 3, 4, 5});
    message(datagram, 16, 6, 0, new byte[] {9, 9, 9, 9});
    message(datagram, 16, 7, NetlinkAnswers.NLM_F_DUMP_INTR, new byte[] {6, 7, 8, 9});
    message(datagram, NetlinkAnswers.NLMSG_DONE, 7, 0, new byte[4]);
    NetlinkAnswers answers = new NetlinkAnswers(7);
    answers.add(datagram.flip());
    assertThat(answers.isComplete()).isTrue();
    assertThat(answers.errno()).isZero();
    assertThat(answers.isInterrupted()).isTrue();
    assertThat(answers.contents())
        .containsExactly(
            ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), ByteBuffer.wrap(new byte[] {6, 7, 8, 9}));
  }

  @Test
  void tellsTheKernelsRefusal() {
    ByteBuffer datagram = ByteBuffer.allocate(200).order(ByteOrder.nativeOrder());
    byte[] error = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(-19).array();
    message(datagram, NetlinkAnswers.NLMSG_ERROR, 1, 0, error);
    NetlinkAnswers answers = new NetlinkAnswers(1);
    answers.add(datagram.flip());
    assertThat(answers.isComplete()).isTrue();
    assertThat(answers.errno()).isEqualTo(Errno.ENODEV);
  }

  private static void message(ByteBuffer out, int type, int sequence, int flags, byte[] content) {
    out.putInt(16 + content.length).putShort((short) type).putShort((short) flags);
    out.putInt(sequence).putInt(0).put(content);
    out.position(out.position() + 3 & ~3);
  }

  /** Damaged messages are decoded or refused, and never end in another way. */
  @Test
  void damagedMessagesAreDecodedOrRefused() {
    byte[] whole =
        NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, 5, 0, 0)
            .attribute(NetlinkMessage.IFLA_IFNAME, "vm0")
            .attribute(NetlinkMessage.IFLA_MTU, 1500)
            .begin(NetlinkMessage.IFLA_LINKINFO)
            .attribute(NetlinkMessage.IFLA_INFO_KIND, "tun")
            .begin(NetlinkMessage.IFLA_INFO_DATA)
            .attribute(LinkFacts.IFLA_TUN_MULTI_QUEUE, new byte[] {1})
            .attribute(LinkFacts.IFLA_TUN_NUM_QUEUES, 2)
            .attribute(LinkFacts.IFLA_TUN_NUM_DISABLED_QUEUES, 1)
            .end()
            .end()
            .toBytes(1);
    ByteBuffer content = ByteBuffer.wrap(whole).position(NetlinkMessage.HEADER_BYTES).slice();
    assertThat(LinkFacts.decode(content))
        .isEqualTo(
            new LinkFacts(5, "vm0", 1500, 0, "tun", "", false, true, 3, false, false, false, ""));
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    int refused = 0;
    for (int round = 0; round < 5000; round++) {
      byte[] damaged = new byte[random.nextInt(content.remaining() + 1)];
      content.get(0, damaged);
      for (int change = random.nextInt(4); change > 0 && damaged.length > 0; change--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      try {
        LinkFacts.decode(ByteBuffer.wrap(damaged));
      } catch (NativeException e) {
        assertThat(e.errno()).as("seed %d", seed).isEqualTo(Errno.EBADMSG);
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }
}

package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.LinkFacts;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.ffi.Tun;
import dev.here.formats.wire.RefusalCode;
import dev.here.machine.CardLink;
import dev.here.machine.PortVlans;
import dev.here.machine.VlanRange;
import dev.here.net.PortFacts;
import dev.here.replication.RefusedException;
import dev.here.testkit.OwnNetwork;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A guest's cards on their standby, in a network namespace that belongs to the test's thread. */
@Timeout(60)
class GuestTapTest {
  private static final int TAP = Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR;

  private interface Body {
    void run(RouteNetlink netlink) throws Exception;
  }

  private static void inOwnNamespace(Body body) throws Exception {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/dev/net/tun")), "this machine has no /dev/net/tun");
    OwnNetwork.run(
        Threads::enterOwnNetwork,
        () -> {
          try (RouteNetlink netlink = RouteNetlink.open()) {
            body.run(netlink);
          }
        });
  }

  private static HostConfig config(String... bridges) {
    return new HostConfig(
        "b",
        Path.of("/nowhere/hered.sock"),
        Path.of("/nowhere"),
        new InetSocketAddress("127.0.0.1", 7700),
        Map.of(),
        "",
        Path.of("/nowhere/token"),
        GuestBridges.parse(List.of(bridges)),
        List.of(),
        0,
        Duration.ofMillis(600));
  }

  private static CardLink card(String bridge, int mtuBytes, int queuePairs) {
    return new CardLink(bridge, mtuBytes, queuePairs, Optional.empty());
  }

  private static List<GuestTap> make(HostConfig config, CardLink... cards) {
    return GuestTap.make(CardPlace.of(config, List.of(cards)));
  }

  private static void refuses(HostConfig config, List<CardLink> cards, String reason) {
    assertThatThrownBy(() -> CardPlace.of(config, cards))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.code()).isEqualTo(RefusalCode.UNSUITABLE))
        .hasMessage(reason);
  }

  private static int mtu(RouteNetlink netlink, String name) {
    return LinkFacts.find(netlink, name).orElseThrow().mtuBytes();
  }

  @Test
  void eachCardHasATapInTheBridgeThatItMayJoin() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      netlink.addLink("br1", "bridge");
      HostConfig config = config("br0", "vmbr1=br1");
      List<GuestTap> taps =
          make(config, card("vmbr0", 1500, 1), card("vmbr1", 1500, 2), CardLink.UNKNOWN);
      assertThat(taps)
          .extracting(GuestTap::option)
          .containsExactly("tap=here0", "tap=here1,queues=2", "tap=here2");
      assertThat(taps)
          .extracting(GuestTap::toString)
          .containsExactly("here0 in br0", "here1 in br1", "here2 in br0");
      assertThat(PortFacts.of("here0")).isEqualTo(card("br0", 1500, 1));
      // As many as a VMM opens, and no more than that is what it was made for.
      try (FileDescriptor first = Tun.open("here1", TAP | Tun.IFF_MULTI_QUEUE).descriptor();
          FileDescriptor second = Tun.open("here1", TAP | Tun.IFF_MULTI_QUEUE).descriptor();
          FileDescriptor only = Tun.open("here0", TAP).descriptor()) {
        assertThat(PortFacts.of("here1")).isEqualTo(card("br1", 1500, 2));
        assertThat(first.number() + second.number() + only.number()).isPositive();
        assertThatThrownBy(() -> Tun.open("here0", TAP | Tun.IFF_MULTI_QUEUE))
            .isInstanceOf(NativeException.class);
      }
      taps.forEach(GuestTap::close);
      assertThat(RouteNetlink.interfaceIndex("here0")).isEmpty();
      assertThat(RouteNetlink.interfaceIndex("here1")).isEmpty();
      assertThat(RouteNetlink.interfaceIndex("here2")).isEmpty();
    });
  }

  /** A card of 1500 octets in a bridge of 9000 would lower it for all others. */
  @Test
  void aBridgeKeepsItsMtu() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      netlink.addVeth("uplink", "beyond");
      netlink.mtu("uplink", 9000);
      netlink.master("uplink", "br0");
      assertThat(mtu(netlink, "br0")).isEqualTo(9000);
      List<GuestTap> taps = make(config("br0"), card("br0", 1500, 1), card("br0", 9000, 1));
      assertThat(mtu(netlink, "br0")).isEqualTo(9000);
      assertThat(mtu(netlink, "here0")).isEqualTo(9000);
      assertThat(mtu(netlink, "here1")).isEqualTo(9000);
      taps.forEach(GuestTap::close);
      assertThat(mtu(netlink, "br0")).isEqualTo(9000);
    });
  }

  @Test
  void whatABridgeCannotCarryIsRefusedByName() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      netlink.addVeth("left", "right");
      CardLink usual = card("br0", 1500, 1);
      refuses(
          config("br0"),
          List.of(usual, card("br0", 9000, 1)),
          "bridge br0 of host b carries 1500 octets, card 2 needs 9000: raise its MTU");
      refuses(
          config("vmbr1=br0"),
          List.of(usual),
          "host b has no bridge for card 1 of the guest (in bridge br0 at its own host):"
              + " start its hered with --bridge BRIDGE");
      refuses(
          config(),
          List.of(card("", 1500, 1)),
          "host b has no bridge for card 1 of the guest: start its hered with --bridge BRIDGE");
      for (String none : List.of("br7", "left")) {
        refuses(
            config(none),
            List.of(usual),
            "there is no bridge '%s' on host b, which card 1 of the guest (in bridge br0 at its own host) has to join: make it or start hered there with another --bridge"
                .formatted(none));
      }
      PortVlans vlans =
          new PortVlans(10, List.of(new VlanRange(10, 10)), List.of(new VlanRange(20, 29)));
      refuses(
          config("br0"),
          List.of(new CardLink("vmbr0", 1500, 1, Optional.of(vlans))),
          "bridge br0 of host b does not filter VLANs, card 1 has PVID 10, untagged 10, tagged 20-29: ip link set br0 type bridge vlan_filtering 1");
    });
  }

  @Test
  void withoutABridgeOnlyAGuestWithoutCardsComes() throws Exception {
    inOwnNamespace(netlink -> {
      assertThat(CardPlace.of(config(), List.of())).isEmpty();
      // All that a peer of version 1 says, which may mean no card.
      assertThat(CardPlace.of(config(), List.of(CardLink.UNKNOWN))).isEmpty();
    });
  }

  @Test
  void whenOneTapCannotBeMadeNoneIsLeft() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      netlink.addLink("br1", "bridge");
      List<CardPlace> places =
          CardPlace.of(
              config("br0", "vmbr1=br1"), List.of(card("br0", 1500, 1), card("vmbr1", 1500, 1)));
      netlink.deleteLink("br1");
      assertThatThrownBy(() -> GuestTap.make(places))
          .isInstanceOf(HostException.class)
          .hasMessageContaining("bridge br1");
      assertThat(RouteNetlink.interfaceIndex("here0")).isEmpty();
      assertThat(RouteNetlink.interfaceIndex("here1")).isEmpty();
    });
  }

  @Test
  void aDaemonThatStartsAgainRemovesThemAll(@TempDir Path folder) throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      List<GuestTap> taps = make(config("br0"), card("br0", 1500, 1), card("br0", 1500, 2));
      List<String> names = taps.stream().map(GuestTap::name).toList();
      new ReplicaRecord("vm1", new ProcessMark(1, "never", 1), names, true).write(folder);
      ReplicaRecord.read(folder).releaseTaps(folder);
      assertThat(RouteNetlink.interfaceIndex("here0")).isEmpty();
      assertThat(RouteNetlink.interfaceIndex("here1")).isEmpty();
      assertThat(ReplicaRecord.read(folder).taps()).isEmpty();
    });
  }

  @Test
  void aDomainOfXenJoinsTheBridgesOfItsConfiguration() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("br0", "bridge");
      List<CardLink> cards = List.of(card("br0", 1500, 1), CardLink.UNKNOWN);
      assertThat(CardPlace.ofSameNames("b", cards))
          .extracting(CardPlace::toString)
          .containsExactly("br0");
      PortVlans vlans = new PortVlans(10, List.of(new VlanRange(10, 10)), List.of());
      List<CardLink> tagged = List.of(new CardLink("br0", 1500, 1, Optional.of(vlans)));
      assertThatThrownBy(() -> CardPlace.ofSameNames("b", tagged))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("card 1 of the guest has VLANs of its own (PVID 10, untagged 10)");
      assertThatThrownBy(() -> CardPlace.ofSameNames("b", List.of(card("br7", 1500, 1))))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("there is no bridge 'br7' on host b");
    });
  }

  @Test
  void aTapHasTheVlansOfTheSourcesPortOrTheBridgesUsualOnes() throws Exception {
    inOwnNamespace(netlink -> {
      Assumptions.assumeTrue(
          ip("link add br0 type bridge vlan_filtering 1") == 0,
          "this kernel's bridges have no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)");
      PortVlans trunk =
          new PortVlans(10, List.of(new VlanRange(10, 10)), List.of(new VlanRange(20, 29)));
      CardLink filtered = new CardLink("br0", 1500, 1, Optional.of(trunk));
      make(config("br0"), filtered, card("br0", 1500, 1));
      assertThat(PortFacts.of("here0")).isEqualTo(filtered);
      assertThat(PortFacts.of("here1").vlans()).contains(PortVlans.USUAL);
    });
  }

  /** Runs ip(8) in this thread's namespace; its exit status. */
  private static int ip(String words) throws IOException, InterruptedException {
    // A child is started by another thread of the JVM: it is told where to go.
    String own = Files.readSymbolicLink(Path.of("/proc/thread-self")).toString();
    List<String> command = new ArrayList<>(List.of("nsenter", "--net=/proc/" + own + "/ns/net"));
    command.add("ip");
    command.addAll(List.of(words.split(" ")));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    if (status != 0) {
      System.out.println(String.join(" ", command) + ": " + said.strip());
    }
    return status;
  }
}

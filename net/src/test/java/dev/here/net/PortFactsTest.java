package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.ffi.BridgeVlans;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.ffi.Tun;
import dev.here.machine.CardLink;
import dev.here.machine.PortVlans;
import dev.here.machine.VlanRange;
import dev.here.testkit.OwnNetwork;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On real interfaces, in a network namespace that belongs to the test's thread. */
@Timeout(60)
class PortFactsTest {
  private static final int TAP = Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR;

  private interface Body {
    void run(RouteNetlink netlink) throws Exception;
  }

  private static void inOwnNamespace(Body body) throws Exception {
    OwnNetwork.run(
        Threads::enterOwnNetwork,
        () -> {
          try (RouteNetlink netlink = RouteNetlink.open()) {
            body.run(netlink);
          }
        });
  }

  @Test
  void describesAPortInABridgeAndOneInNone() throws Exception {
    inOwnNamespace(netlink -> {
      netlink.addLink("vmbr1", "bridge");
      try (FileDescriptor tap = Tun.open("vm0", TAP).descriptor()) {
        netlink.mtu("vm0", 9000);
        assertThat(PortFacts.of("vm0")).isEqualTo(new CardLink("", 9000, 1, Optional.empty()));
        netlink.master("vm0", "vmbr1");
        assertThat(PortFacts.of("vm0")).isEqualTo(new CardLink("vmbr1", 9000, 1, Optional.empty()));
        assertThat(tap.number()).isPositive();
      }
    });
  }

  @Test
  void countsTheQueuesThatTheHypervisorOpened() throws Exception {
    inOwnNamespace(netlink -> {
      List<FileDescriptor> queues = new ArrayList<>();
      for (int queue = 0; queue < 3; queue++) {
        queues.add(Tun.open("vm0", TAP | Tun.IFF_MULTI_QUEUE).descriptor());
      }
      assertThat(PortFacts.of("vm0").queuePairs()).isEqualTo(3);
      queues.forEach(FileDescriptor::close);
    });
  }

  @Test
  void namesWhatIsNoPort() throws Exception {
    inOwnNamespace(netlink -> {
      assertThatThrownBy(() -> PortFacts.of("vm7"))
          .isInstanceOf(UnknownPortException.class)
          .hasMessageContaining("'vm7'");
      netlink.addVeth("left", "right");
      ip("link add link left name mv0 type macvtap");
      assertThatThrownBy(() -> PortFacts.of("mv0"))
          .isInstanceOf(UnknownPortException.class)
          .hasMessageContaining("mv0 is a macvtap");
    });
  }

  @Test
  void tellsTheVlansOfABridgeThatFiltersThem() throws Exception {
    inOwnNamespace(netlink -> {
      Assumptions.assumeTrue(
          ip("link add br0 type bridge vlan_filtering 1") == 0,
          "this kernel's bridges have no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)");
      netlink.addVeth("left", "right");
      netlink.master("left", "br0");
      assertThat(PortFacts.of("left").vlans()).contains(PortVlans.USUAL);
      BitSet untagged = new BitSet();
      untagged.set(10);
      BitSet tagged = new BitSet();
      tagged.set(20, 30);
      new BridgeVlans(10, untagged, tagged)
          .set(netlink, RouteNetlink.interfaceIndex("left").orElseThrow());
      assertThat(PortFacts.of("left").vlans())
          .contains(
              new PortVlans(10, List.of(new VlanRange(10, 10)), List.of(new VlanRange(20, 29))));
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

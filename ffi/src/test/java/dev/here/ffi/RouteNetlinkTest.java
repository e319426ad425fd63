package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.testkit.OwnNetwork;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Each test runs on a thread with a network namespace of its own, which ends with the thread. */
class RouteNetlinkTest {

  private static void inOwnNamespace(OwnNetwork.Body body) throws Exception {
    OwnNetwork.run(Threads::enterOwnNetwork, body);
  }

  @Test
  void makesABridgeAndACableAndCarriesAFrame() throws Exception {
    inOwnNamespace(() -> {
      try (RouteNetlink netlink = RouteNetlink.open();
          Arena arena = Arena.ofConfined()) {
        netlink.addLink("br0", "bridge");
        netlink.addVeth("left", "right");
        netlink.mtu("right", 1400);
        netlink.hardwareAddress("right", new byte[] {2, 0, 0, 0, 0, 9});
        netlink.addAddress("br0", InetAddress.getByName("10.9.0.1"), 24);
        for (String name : new String[] {"br0", "left", "right"}) {
          netlink.up(name, true);
        }
        int left = RouteNetlink.interfaceIndex("left").orElseThrow();
        int right = RouteNetlink.interfaceIndex("right").orElseThrow();
        int type = 0x88b5;
        try (PacketSocket sender = PacketSocket.open(right, 0);
            PacketSocket receiver = PacketSocket.open(left, type)) {
          MemorySegment frame = arena.allocate(60);
          frame.asSlice(0, 6).fill((byte) 0xff);
          frame.set(JAVA_BYTE, 6, (byte) 2);
          frame.set(JAVA_BYTE, 12, (byte) (type >> 8));
          frame.set(JAVA_BYTE, 13, (byte) type);
          frame.set(JAVA_BYTE, 59, (byte) 77);
          int ready;
          int attempts = 0;
          do {
            // A link that has just come up drops frames until the kernel has noticed.
            assertThat(sender.send(frame)).isZero();
            ready = Libc.pollOne(receiver.descriptor().number(), Libc.POLLIN, 100);
          } while (ready == 0 && ++attempts < 100);
          assertThat(ready).isEqualTo(Libc.POLLIN);
          MemorySegment into = arena.allocate(2000);
          assertThat(receiver.receive(into)).isEqualTo(60);
          assertThat(into.get(JAVA_BYTE, 59)).isEqualTo((byte) 77);
        }
        netlink.master("left", "br0");
        assertThatThrownBy(() -> netlink.master("br0", "br0")).isInstanceOf(NativeException.class);
        netlink.deleteLink("left");
        assertThat(RouteNetlink.interfaceIndex("right")).isEmpty();
      }
    });
  }

  @Test
  void tapHasTheNameAndItsFramesComeOut() throws Exception {
    inOwnNamespace(() -> {
      Tun.Interface tap = Tun.open("vm%d", Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR);
      try (FileDescriptor descriptor = tap.descriptor();
          RouteNetlink netlink = RouteNetlink.open();
          Arena arena = Arena.ofConfined()) {
        assertThat(tap.name()).isEqualTo("vm0");
        Tun.vnetHeaderBytes(descriptor, 12);
        Tun.offload(descriptor, Tun.TUN_F_CSUM | Tun.TUN_F_TSO4);
        netlink.up("vm0", true);
        int index = RouteNetlink.interfaceIndex("vm0").orElseThrow();
        try (PacketSocket sender = PacketSocket.open(index, 0)) {
          MemorySegment frame = arena.allocate(60);
          frame.set(JAVA_BYTE, 12, (byte) 0x88);
          frame.set(JAVA_BYTE, 13, (byte) 0xb5);
          assertThat(sender.send(frame)).isZero();
          MemorySegment into = arena.allocate(2000);
          long size;
          do {
            // The kernel may announce itself (IPv6) first.
            size = Libc.read(descriptor.number(), into.address(), into.byteSize());
          } while (into.get(JAVA_BYTE, 12 + 12) != (byte) 0x88);
          assertThat(size).isEqualTo(12 + 60);
        }
      }
    });
  }

  @Test
  void aPacketSocketTellsTheVlanOfAFrame() throws Exception {
    inOwnNamespace(() -> {
      try (RouteNetlink netlink = RouteNetlink.open();
          Arena arena = Arena.ofConfined()) {
        addCable(netlink);
        int left = RouteNetlink.interfaceIndex("left").orElseThrow();
        int right = RouteNetlink.interfaceIndex("right").orElseThrow();
        try (PacketSocket sender = PacketSocket.open(right, 0);
            PacketSocket receiver = PacketSocket.watch(left, 1 << 20)) {
          MemorySegment into = arena.allocate(2000);
          byte[] tagged = new byte[64];
          Arrays.fill(tagged, 0, 6, (byte) 0xff);
          ByteBuffer.wrap(tagged, 12, 6).putInt(0x8100_6064).putShort((short) 0x88b5);
          byte[] plain = new byte[60];
          ByteBuffer.wrap(plain, 12, 2).putShort((short) 0x88b5);
          assertThat(sender.send(arena.allocateFrom(JAVA_BYTE, tagged))).isZero();
          assertThat(sender.send(arena.allocateFrom(JAVA_BYTE, plain))).isZero();
          List<PacketSocket.Arrival> ours = new ArrayList<>();
          while (ours.size() < 2) {
            assertThat(Libc.pollOne(receiver.descriptor().number(), Libc.POLLIN, 10_000))
                .isEqualTo(Libc.POLLIN);
            // The kernel may announce itself (IPv6), too.
            receiver
                .arrival(into)
                .filter(a -> into.get(JAVA_BYTE, 12) == (byte) 0x88)
                .ifPresent(ours::add);
          }
          assertThat(receiver.dropped()).isZero();
          // VLAN 0x064; priority 3 stands in the same field.
          assertThat(ours)
              .containsExactly(
                  new PacketSocket.Arrival(60, Optional.of(100)),
                  new PacketSocket.Arrival(60, Optional.empty()));
        }
      }
    });
  }

  @Test
  void aPacketSocketHasNothingOfOtherInterfaces() throws Exception {
    inOwnNamespace(() -> {
      try (RouteNetlink netlink = RouteNetlink.open();
          Arena arena = Arena.ofConfined()) {
        addCable(netlink);
        netlink.addLink("quiet", "bridge");
        netlink.up("quiet", true);
        int quiet = RouteNetlink.interfaceIndex("quiet").orElseThrow();
        int right = RouteNetlink.interfaceIndex("right").orElseThrow();
        var finished = new AtomicBoolean();
        var sent = new AtomicInteger();
        Thread sending = Thread.ofPlatform().start(() -> sendUntil(finished, right, sent));
        try {
          MemorySegment into = arena.allocate(2000);
          for (int i = 0; i < 100; i++) {
            try (PacketSocket socket = PacketSocket.open(quiet, 0x88b5);
                PacketSocket watching = PacketSocket.watch(quiet, 1 << 16)) {
              assertThat(socket.receive(into)).isEqualTo(-Errno.EAGAIN);
              assertThat(watching.arrival(into)).isEmpty();
            }
          }
          assertThat(sent.get()).as("frames meanwhile").isGreaterThan(100);
        } finally {
          finished.set(true);
          sending.join();
        }
      }
    });
  }

  private static void addCable(RouteNetlink netlink) {
    netlink.addVeth("left", "right");
    netlink.up("left", true);
    netlink.up("right", true);
  }

  private static void sendUntil(AtomicBoolean finished, int link, AtomicInteger sent) {
    try (PacketSocket sender = PacketSocket.open(link, 0);
        Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(60);
      frame.asSlice(0, 6).fill((byte) 0xff);
      frame.set(JAVA_BYTE, 12, (byte) 0x88);
      frame.set(JAVA_BYTE, 13, (byte) 0xb5);
      while (!finished.get()) {
        sender.send(frame);
        sent.incrementAndGet();
      }
    }
  }

  @Test
  void refusalCarriesTheKernelsErrno() throws Exception {
    inOwnNamespace(() -> {
      try (RouteNetlink netlink = RouteNetlink.open()) {
        netlink.addLink("br0", "bridge");
        assertThatThrownBy(() -> netlink.addLink("br0", "bridge"))
            .isInstanceOfSatisfying(
                NativeException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST))
            .hasMessageContaining("add link br0 of kind bridge");
        assertThatThrownBy(() -> netlink.up("nothing", true))
            .hasMessage("find interface nothing: ENODEV");
      }
    });
  }

  @Test
  void eachOfSeveralRequestsHasItsReply() throws Exception {
    inOwnNamespace(() -> {
      try (RouteNetlink netlink = RouteNetlink.open()) {
        netlink.addLink("br0", "bridge");
        netlink.up("br0", true);
        int index = RouteNetlink.interfaceIndex("br0").orElseThrow();
        netlink.request(TrafficControl.addClassifier(index), "add clsact");
        netlink.request(
            TrafficControl.redirect(index, TrafficControl.TC_H_MIN_INGRESS, 7, index), "redirect");
        TrafficControl.Filter filter =
            TrafficControl.filters(netlink, index, TrafficControl.TC_H_MIN_INGRESS).stream()
                .filter(TrafficControl.Filter::isRedirection)
                .findFirst()
                .orElseThrow();
        NetlinkMessage ask =
            TrafficControl.askFilter(index, TrafficControl.TC_H_MIN_INGRESS, filter);
        List<KernelReply> replies =
            netlink.exchange(
                List.of(
                    ask,
                    TrafficControl.askRoot(index),
                    new TrafficControl.Bucket(0, 1 << 20, 9).add(index, 1 << 20).getFirst(),
                    TrafficControl.askRoot(index),
                    TrafficControl.deleteClassifier(index),
                    ask),
                "several");
        assertThat(TrafficControl.Filter.of(replies.get(0)).redirectsTo()).isEqualTo(index);
        assertThat(replies.get(1).errno()).isEqualTo(Errno.ENOENT);
        assertThat(replies.get(2).isDone()).isTrue();
        assertThat(TrafficControl.Discipline.of(replies.get(3)).kind()).isEqualTo("tbf");
        assertThat(replies.get(4).isDone()).isTrue();
        assertThatThrownBy(() -> TrafficControl.Filter.of(replies.get(5)))
            .isInstanceOf(NativeException.class);
      }
    });
  }

  @Test
  void anInterfaceWithoutProgramsHasNone() throws Exception {
    inOwnNamespace(() -> {
      int loopback = RouteNetlink.interfaceIndex("lo").orElseThrow();
      assertThat(TcxPrograms.count(loopback, TcxPrograms.BPF_TCX_INGRESS)).isZero();
      assertThat(TcxPrograms.count(loopback, TcxPrograms.BPF_TCX_EGRESS)).isZero();
    });
  }
}

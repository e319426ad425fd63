package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.Errno;
import dev.here.ffi.LinkFacts;
import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Sockets;
import dev.here.ffi.Threads;
import dev.here.ffi.TrafficControl;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Assumptions;

/**
 * A bridge with a guest's port, another guest's port and a cable to the outside, in a network
 * namespace that the test's thread enters and leaves. Guests are the other ends of their ports;
 * frames are numbered.
 */
final class GatedNetwork implements AutoCloseable {
  static final String PORT = "p0";
  static final String SECOND_PORT = "q0";
  static final int FRAME_BYTES = 60;

  private static final int TYPE = 0x88b5;
  private static final int SOL_SOCKET = 1;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SOCKET_BUFFER_BYTES = 512 << 20;
  private static final int MTU = 65_000;
  private static final int NUMBER_OFFSET = 14;
  private static final long PATIENCE_NANOS = 10_000_000_000L;
  private static final long QUIET_NANOS = 60_000_000;
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** What users put on a port themselves. */
  enum UsersQueue {
    CLSACT,
    INGRESS,
    ROOT
  }

  /** What is left of a gate whose maker died after a request. */
  enum HalfMade {
    NAMELESS,
    WITHOUT_QUEUE,
    FIRST_WITHOUT_QUEUE,
    WITH_CLASSIFIER
  }

  /** Somebody who goes on sending numbered frames. */
  static final class Sending {
    private final CompletableFuture<Void> sending;
    private volatile boolean ended;
    private volatile int last;

    private Sending(int first, long pauseNanos, IntConsumer send) {
      last = first;
      send.accept(first);
      sending =
          CompletableFuture.runAsync(
              () -> {
                while (!ended) {
                  synchronized (this) {
                    send.accept(last + 1);
                    last++;
                  }
                  LockSupport.parkNanos(pauseNanos);
                }
              },
              task -> Thread.ofPlatform().daemon().start(task));
    }

    /** Sends nothing meanwhile, as a guest that stands still. */
    synchronized void whileStill(Runnable what) {
      what.run();
    }

    /** Ends it, and returns the number of the last frame; throws what a frame failed with. */
    int end() {
      ended = true;
      sending.join();
      return last;
    }
  }

  private final Arena arena = Arena.ofConfined();
  private final Thread owner = Thread.currentThread();
  private final RouteNetlink netlink;
  private final PacketSocket guest;
  private final PacketSocket second;
  private final PacketSocket outside;

  private GatedNetwork() throws IOException {
    Path ipv6 = Path.of("/proc/sys/net/ipv6/conf/default/disable_ipv6");
    if (Files.exists(ipv6)) {
      // The kernel's own frames of IPv6 are not the test's.
      Files.writeString(ipv6, "1");
    }
    netlink = RouteNetlink.open();
    netlink.addLink("br0", "bridge");
    for (String[] cable : new String[][] {{PORT, "g0"}, {SECOND_PORT, "g1"}, {"c0", "c1"}}) {
      netlink.addVeth(cable[0], cable[1]);
      netlink.master(cable[0], "br0");
      for (String end : cable) {
        netlink.mtu(end, MTU);
        netlink.up(end, true);
      }
    }
    netlink.up("br0", true);
    guest = socket("g0");
    second = socket("g1");
    outside = socket("c1");
    // A bridge forwards only some time after a port came up.
    awaitForwarding();
  }

  static GatedNetwork make() {
    try {
      Threads.enterOwnNetwork();
    } catch (NativeException e) {
      Assumptions.abort(e.getMessage() + ": run as root");
    }
    try {
      return new GatedNetwork();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static PacketSocket socket(String name) {
    PacketSocket socket = PacketSocket.open(RouteNetlink.interfaceIndex(name).orElseThrow(), TYPE);
    // A frame that is held counts against its sender's buffer, as one that nobody has read does
    // against its receiver's.
    for (int option : new int[] {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
      int number = socket.descriptor().number();
      assertThat(Sockets.setsockopt(number, SOL_SOCKET, option, SOCKET_BUFFER_BYTES)).isZero();
    }
    return socket;
  }

  private void awaitForwarding() {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    boolean seen = false;
    while (!seen) {
      assertThat(System.nanoTime()).as("the bridge does not forward").isLessThan(deadline);
      guestSends(1, 1);
      guestSendsOnSecond(2, 2);
      LockSupport.parkNanos(QUIET_NANOS);
      seen = collect(outside, 0).containsAll(List.of(1, 2));
    }
    collect(guest, 0);
    collect(second, 0);
  }

  RouteNetlink netlink() {
    return netlink;
  }

  List<String> linkNames() {
    return LinkFacts.all(netlink).stream().map(LinkFacts::name).sorted().toList();
  }

  private static int index(String name) {
    return RouteNetlink.interfaceIndex(name).orElseThrow();
  }

  Optional<String> classifier() {
    return TrafficControl.classifier(netlink, index(PORT));
  }

  void guestSends(int from, int to) {
    guestSends(from, to, FRAME_BYTES);
  }

  void guestSends(int from, int to, int sizeBytes) {
    send(guest, from, to, sizeBytes);
  }

  void guestSendsOnSecond(int from, int to) {
    send(second, from, to, FRAME_BYTES);
  }

  void outsideSends(int from, int to) {
    send(outside, from, to, FRAME_BYTES);
  }

  private void send(PacketSocket socket, int from, int to, int sizeBytes) {
    try (Arena own = Arena.ofConfined()) {
      MemorySegment frame = own.allocate(sizeBytes);
      // To all, from an address of this sender's own.
      frame.asSlice(0, 6).fill((byte) 0xff);
      frame.set(ValueLayout.JAVA_BYTE, 6, (byte) 2);
      frame.set(ValueLayout.JAVA_BYTE, 11, (byte) socket.descriptor().number());
      frame.set(ValueLayout.JAVA_BYTE, 12, (byte) (TYPE >>> 8));
      frame.set(ValueLayout.JAVA_BYTE, 13, (byte) TYPE);
      for (int number = from; number <= to; number++) {
        frame.set(U32, NUMBER_OFFSET, number);
        assertThat(socket.send(frame)).as("frame %d", number).isZero();
      }
    }
  }

  /** The first is out before this returns. */
  Sending guestKeepsSending(int first, long pauseNanos) {
    return new Sending(first, pauseNanos, number -> guestSends(number, number));
  }

  Sending outsideKeepsSending(int first, long pauseNanos) {
    return new Sending(first, pauseNanos, number -> outsideSends(number, number));
  }

  /** Numbers of the frames that came out, in their order: so many, and those that follow them. */
  List<Integer> seenOutside(int atLeast) {
    return collect(outside, atLeast);
  }

  List<Integer> seenByGuest(int atLeast) {
    return collect(guest, atLeast);
  }

  private List<Integer> collect(PacketSocket socket, int atLeast) {
    List<Integer> numbers = new ArrayList<>();
    MemorySegment frame = arena.allocate(64);
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    long quietSince = System.nanoTime();
    while (numbers.size() < atLeast && System.nanoTime() - deadline < 0
        || System.nanoTime() - quietSince < QUIET_NANOS) {
      int size = socket.receive(frame);
      if (size > 0) {
        numbers.add(frame.get(U32, NUMBER_OFFSET));
        quietSince = System.nanoTime();
      } else {
        assertThat(size).isEqualTo(-Errno.EAGAIN);
        LockSupport.parkNanos(500_000);
      }
    }
    return numbers;
  }

  /** What a process leaves that dies while it makes a gate of a VM at the port. */
  void leave(HalfMade half, UUID vm) {
    int port = index(PORT);
    String role = half == HalfMade.FIRST_WITHOUT_QUEUE ? "FIRST" : "OUT";
    String name = "hg%d%s".formatted(port, role.equals("OUT") ? "o" : "a");
    netlink.addLink(name, "ifb");
    if (half != HalfMade.NAMELESS) {
      netlink.alias(index(name), "here-gate 1 %s %d %s own".formatted(vm, port, role));
      netlink.up(index(name), true);
    }
    if (half == HalfMade.WITH_CLASSIFIER) {
      add(UsersQueue.CLSACT);
    }
  }

  /** As somebody else does it: {@code tc qdisc del dev PORT clsact}. */
  void removeClassifier(String port) {
    netlink.request(TrafficControl.deleteClassifier(index(port)), "remove clsact");
  }

  /** As somebody else does it, to each interface of a gate. */
  void setGateDownAndUp() {
    for (LinkFacts link : LinkFacts.all(netlink)) {
      if (link.name().matches("hg[0-9]+[oab]")) {
        netlink.up(link.index(), false);
        netlink.up(link.index(), true);
      }
    }
  }

  void removePort() {
    netlink.deleteLink(PORT);
  }

  void add(UsersQueue queue) {
    int port = index(PORT);
    switch (queue) {
      case CLSACT -> netlink.request(TrafficControl.addClassifier(port), "add clsact");
      case INGRESS ->
          netlink.request(
              NetlinkMessage.qdisc(
                      NetlinkMessage.RTM_NEWQDISC,
                      NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL,
                      port,
                      0xffff0000,
                      0xfffffff1)
                  .attribute(TrafficControl.TCA_KIND, "ingress"),
              "add ingress");
      case ROOT ->
          netlink.request(
              new TrafficControl.Bucket(0, 1 << 20, 1 << 20).add(port, 1L << 30), "add tbf");
    }
  }

  boolean has(UsersQueue queue) {
    return switch (queue) {
      case CLSACT -> classifier().equals(Optional.of("clsact"));
      case INGRESS -> classifier().equals(Optional.of("ingress"));
      case ROOT -> TrafficControl.root(netlink, index(PORT)).kind().equals("tbf");
    };
  }

  /** A filter on the port that redirects to the outside, of someone else's. */
  void addFilter() {
    add(UsersQueue.CLSACT);
    netlink.request(
        TrafficControl.redirect(index(PORT), TrafficControl.TC_H_MIN_INGRESS, 100, index("c0")),
        "add a filter");
  }

  /** A macvtap on the second port; its name. */
  String addMacvtap() {
    String name = "macvtap0";
    netlink.request(
        NetlinkMessage.link(
                NetlinkMessage.RTM_NEWLINK,
                NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL,
                0,
                0,
                0)
            .attribute(NetlinkMessage.IFLA_IFNAME, name.getBytes(StandardCharsets.US_ASCII))
            .attribute(5, index("c1"))
            .begin(NetlinkMessage.IFLA_LINKINFO)
            .attribute(NetlinkMessage.IFLA_INFO_KIND, "macvtap")
            .end(),
        "add a macvtap");
    return name;
  }

  /** Back to the namespace that the thread came from; this one ends with its last socket. */
  @Override
  public void close() {
    assertThat(Thread.currentThread()).isEqualTo(owner);
    outside.close();
    second.close();
    guest.close();
    netlink.close();
    Threads.enterNetworkOf(ProcessHandle.current().pid());
    arena.close();
  }
}

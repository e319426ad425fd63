package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.ffi.Errno;
import dev.here.ffi.NativeException;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.testkit.OwnNetwork;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On a real TAP, in a network namespace that belongs to the test's thread and ends with it. */
@Timeout(60)
class TapDeviceTest {
  private static final int TYPE = 0x88b5;

  private static void inOwnNamespace(OwnNetwork.Body body) throws Exception {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/dev/net/tun")), "this machine has no /dev/net/tun");
    OwnNetwork.run(Threads::enterOwnNetwork, body);
  }

  @Test
  void framesPassBothWaysAndTheInterfaceGoesAway() throws Exception {
    inOwnNamespace(() -> {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
        TapDevice tap = TapDevice.open("tap%d");
        assertThat(tap.name()).startsWith("tap");
        tap.up();
        int index = RouteNetlink.interfaceIndex(tap.name()).orElseThrow();
        try (PacketSocket host = PacketSocket.open(index, TYPE)) {
          MemorySegment frame = frame(arena);
          MemorySegment.copy(frame, 0, record, 12, 60);
          assertThat(tap.send(record, 72)).isTrue();
          MemorySegment got = arena.allocate(2048);
          assertThat(receive(host, got)).isEqualTo(60);
          assertThat(got.asSlice(0, 60).mismatch(frame)).isEqualTo(-1);

          assertThat(host.send(frame)).isZero();
          int length = receiveOfType(tap, record);
          assertThat(length).isEqualTo(72);
          assertThat(record.asSlice(12, 60).mismatch(frame)).isEqualTo(-1);
        }
        tap.close();
        assertThat(RouteNetlink.interfaceIndex(tap.name())).isEqualTo(OptionalInt.empty());
      }
    });
  }

  @Test
  void everySetOfOffloadsIsTaken() throws Exception {
    inOwnNamespace(() -> {
      try (TapDevice tap = TapDevice.open("here0")) {
        for (int bits = 0; bits < 32; bits++) {
          tap.accept(
              new Offloads(
                  (bits & 1) != 0,
                  (bits & 2) != 0,
                  (bits & 4) != 0,
                  (bits & 8) != 0,
                  (bits & 16) != 0));
        }
      }
    });
  }

  @Test
  void answersComeOnTheQueueThatTheFlowWasWrittenTo() throws Exception {
    inOwnNamespace(() -> {
      List<TapDevice> queues = TapDevice.open("here%d", 3);
      String name = queues.getFirst().name();
      queues.getFirst().up();
      int index = RouteNetlink.interfaceIndex(name).orElseThrow();
      try (Arena arena = Arena.ofConfined();
          PacketSocket host = PacketSocket.open(index, 0)) {
        assertThat(queues).extracting(TapDevice::name).containsOnly(name).hasSize(3);
        MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
        for (int queue : new int[] {1, 2, 0, 2}) {
          MemorySegment.copy(datagram(arena, 1, 2), 0, record, 12, 60);
          assertThat(queues.get(queue).send(record, 72)).isTrue();
          assertThat(host.send(datagram(arena, 2, 1))).isZero();
          assertThat(queueThatGetsADatagram(queues, record)).isEqualTo(queue);
        }
      } finally {
        queues.forEach(TapDevice::close);
      }
    });
  }

  @Test
  void anInterfaceWithOtherQueuesIsRefusedWithTheRemedy() throws Exception {
    inOwnNamespace(() -> {
      try (TapDevice one = TapDevice.open("one")) {
        assertThatThrownBy(() -> TapDevice.open(one.name(), 2))
            .isInstanceOf(NativeException.class)
            .hasMessageContaining("EINVAL")
            .hasMessageContaining("ip tuntap add dev one mode tap multi_queue");
      }
      List<TapDevice> two = TapDevice.open("two", 2);
      assertThatThrownBy(() -> TapDevice.open("two"))
          .isInstanceOf(NativeException.class)
          .hasMessageContaining("two or more");
      two.forEach(TapDevice::close);
      assertThat(RouteNetlink.interfaceIndex("two")).isEqualTo(OptionalInt.empty());
    });
  }

  @Test
  void aSegmentThatNoInterfaceHasCutPassesAGateWhole() throws Exception {
    inOwnNamespace(() -> {
      try (RouteNetlink netlink = RouteNetlink.open();
          TapDevice guest = TapDevice.open("guest0");
          TapDevice outside = TapDevice.open("outside0");
          Arena arena = Arena.ofConfined()) {
        netlink.addLink("br0", "bridge");
        for (TapDevice tap : List.of(guest, outside)) {
          netlink.master(tap.name(), "br0");
          tap.up();
        }
        netlink.up("br0", true);
        outside.accept(new Offloads(true, true, true, true, false));
        try (GuestGates gates = GuestGates.make(UUID.randomUUID(), List.of(guest.name()))) {
          MemorySegment segment = largeSegment(arena);
          int length = (int) segment.byteSize();
          gates.endEpoch(1);
          assertThat(guest.send(segment, length)).isTrue();
          assertThat(gates.held().frames()).isEqualTo(1);
          MemorySegment got = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
          assertThat(receiveLarge(outside, got, 20)).isZero();
          gates.open();
          assertThat(receiveLarge(outside, got, 5000)).isEqualTo(length);
          assertThat(got.get(ValueLayout.JAVA_BYTE, 1)).isEqualTo((byte) 1);
        }
      }
    });
  }

  /** 20,000 octets of TCP over IPv4 that are to be cut, and to get their checksums, later. */
  private static MemorySegment largeSegment(Arena arena) {
    int payload = 20_000;
    MemorySegment record = arena.allocate(12 + 54 + payload);
    ValueLayout.OfShort little = ValueLayout.JAVA_SHORT_UNALIGNED;
    ValueLayout.OfShort big = little.withOrder(ByteOrder.BIG_ENDIAN);
    record.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    record.set(ValueLayout.JAVA_BYTE, 1, (byte) 1);
    record.set(little, 2, (short) 54);
    record.set(little, 4, (short) 1448);
    record.set(little, 6, (short) 34);
    record.set(little, 8, (short) 16);
    record.asSlice(12, 6).fill((byte) 0xff);
    record.set(ValueLayout.JAVA_BYTE, 18, (byte) 2);
    record.set(big, 24, (short) 0x0800);
    record.set(ValueLayout.JAVA_BYTE, 26, (byte) 0x45);
    record.set(big, 28, (short) (40 + payload));
    record.set(ValueLayout.JAVA_BYTE, 34, (byte) 64);
    record.set(ValueLayout.JAVA_BYTE, 35, (byte) 6);
    record.set(ValueLayout.JAVA_BYTE, 58, (byte) 0x50);
    record.set(big, 36, headerChecksum(record.asSlice(26, 20)));
    return record;
  }

  /** RFC 791; a bridge whose kernel has netfilter for bridges looks at it. */
  private static short headerChecksum(MemorySegment header) {
    int sum = 0;
    for (int at = 0; at < header.byteSize(); at += 2) {
      sum +=
          header.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), at) & 0xffff;
    }
    return (short) ~(sum + (sum >>> 16));
  }

  /** The kernel's own frames are shorter and passed over; 0 when none comes. */
  private static int receiveLarge(TapDevice tap, MemorySegment into, int timeoutMillis) {
    long deadline = System.nanoTime() + timeoutMillis * 1_000_000L;
    while (System.nanoTime() - deadline < 0) {
      int length = tap.receive(into, timeoutMillis);
      if (length > 1000) {
        return length;
      }
    }
    return 0;
  }

  /** Which queue has the next IPv4 frame; the kernel's own frames are passed over. */
  private static int queueThatGetsADatagram(List<TapDevice> queues, MemorySegment record) {
    while (true) {
      for (int queue = 0; queue < queues.size(); queue++) {
        if (queues.get(queue).receive(record, 0) > 0
            && record.get(ValueLayout.JAVA_BYTE, 12 + 12) == 8
            && record.get(ValueLayout.JAVA_BYTE, 12 + 13) == 0) {
          return queue;
        }
      }
      Thread.onSpinWait();
    }
  }

  /** UDP over IPv4 between hosts {@code from} and {@code to} of 10.0.0.0/24, on their ports. */
  private static MemorySegment datagram(Arena arena, int from, int to) {
    ByteBuffer frame = ByteBuffer.allocate(60);
    frame.put(new byte[] {2, 0, 0, 0, 0, (byte) to, 2, 0, 0, 0, 0, (byte) from, 8, 0});
    frame.put((byte) 0x45).put((byte) 0).putShort((short) 46).putInt(0).put((byte) 64);
    frame.put((byte) 17).putShort((short) 0);
    frame.put(new byte[] {10, 0, 0, (byte) from, 10, 0, 0, (byte) to});
    frame.putShort((short) (4000 + from)).putShort((short) (4000 + to)).putShort((short) 26);
    return arena.allocateFrom(ValueLayout.JAVA_BYTE, frame.array());
  }

  private static MemorySegment frame(Arena arena) {
    MemorySegment frame = arena.allocate(60);
    frame.asSlice(0, 6).fill((byte) 0xff);
    frame.set(ValueLayout.JAVA_BYTE, 6, (byte) 2);
    frame.set(ValueLayout.JAVA_BYTE, 12, (byte) (TYPE >> 8));
    frame.set(ValueLayout.JAVA_BYTE, 13, (byte) TYPE);
    frame.set(ValueLayout.JAVA_BYTE, 59, (byte) 77);
    return frame;
  }

  private static int receive(PacketSocket socket, MemorySegment into) throws InterruptedException {
    while (true) {
      int length = socket.receive(into);
      if (length != -Errno.EAGAIN) {
        return length;
      }
      Thread.sleep(1);
    }
  }

  /** The kernel sends frames of its own on an interface that comes up: they are passed over. */
  private static int receiveOfType(TapDevice tap, MemorySegment record) {
    while (true) {
      int length = tap.receive(record, 100);
      if (length > 0
          && record.get(ValueLayout.JAVA_BYTE, 24) == (byte) (TYPE >> 8)
          && record.get(ValueLayout.JAVA_BYTE, 25) == (byte) TYPE) {
        return length;
      }
    }
  }
}

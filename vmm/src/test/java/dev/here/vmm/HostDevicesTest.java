package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.Errno;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import dev.here.machine.PciAddress;
import dev.here.testkit.OwnNetwork;
import dev.here.testkit.SampleMachine;
import dev.here.vmm.FakeQueueDriver.Buffer;
import dev.here.vmm.FakeQueueDriver.Used;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A guest's network cards on real TAPs, in a network namespace that belongs to the test's thread
 * and ends with it.
 */
@Timeout(60)
class HostDevicesTest {
  private static final int TYPE = 0x88b5;
  private static final int TYPE_RARP = 0x8035;
  private static final int HEADER = 12;
  private static final int JUMBO_FRAME = 9014;
  private static final long OUT = 0x100000;
  private static final long ROOM = 0x200000;
  private static final long RINGS_EACH = 0x40000;
  private static final List<Bytes> MACS =
      List.of(Bytes.parse("525400000001"), Bytes.parse("525400000002"));

  private static void inOwnNamespace(OwnNetwork.Body body) throws Exception {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/dev/net/tun")), "this machine has no /dev/net/tun");
    OwnNetwork.run(Threads::enterOwnNetwork, body);
  }

  /** A guest with two cards: the first on a TAP with one queue, the second on one with two. */
  private static final class Guest implements AutoCloseable {
    final FakeMachine machine = new FakeMachine();
    final HostDevices host =
        new HostDevices(
            VmmOptions.parse(
                "--control", "x", "--nic", "tap=here0", "--nic", "tap=here1,queues=2"));
    final PlatformDevices devices;
    final List<FakeVirtioDriver> drivers = new ArrayList<>();

    Guest() {
      MachineState sample = SampleMachine.state(7, 2, 1024);
      MachineState state =
          PowerOnPlatform.state(
              sample.platform(),
              machine.memory.map(),
              sample.vcpus(),
              List.of(
                  VirtioPowerOn.network(new PciAddress(0, 2, 0), MACS.get(0), 1),
                  VirtioPowerOn.network(new PciAddress(0, 3, 0), MACS.get(1), 2)),
              0,
              sample.clock());
      machine.platform.lock();
      try {
        devices =
            (PlatformDevices)
                host.make(
                    state,
                    new MachineDevices.Sockets(
                        machine.platform,
                        new PortBus(),
                        machine.mmio,
                        machine.memory,
                        new FakeClock(0),
                        (address, data) -> {},
                        asserted -> {},
                        machine.memory::remap,
                        (reset, reason) -> {}));
        devices.resume();
      } finally {
        machine.platform.unlock();
      }
    }

    void start(long leaveOut) {
      for (VirtioPci device : devices.virtio()) {
        FakeVirtioDriver driver =
            new FakeVirtioDriver(machine, device, true, 0x10000 + RINGS_EACH * drivers.size());
        driver.start(driver.offered() & ~leaveOut, false);
        drivers.add(driver);
      }
    }

    void send(int card, int queue, byte[] frame) {
      MemorySegment.copy(
          frame, 0, machine.memory.backing(), ValueLayout.JAVA_BYTE, OUT + HEADER, frame.length);
      FakeVirtioDriver driver = drivers.get(card);
      machine.locked(
          () -> driver.queues.get(queue).add(new Buffer(OUT, HEADER + frame.length, false)));
      driver.kick(queue);
    }

    void room(int card, int queue, int buffers, int sizeBytes) {
      FakeVirtioDriver driver = drivers.get(card);
      machine.locked(() -> {
        for (int at = 0; at < buffers; at++) {
          driver.queues.get(queue).add(new Buffer(ROOM + at * 0x20000L, sizeBytes, true));
        }
      });
      driver.kick(queue);
    }

    /** How much of each of the next {@code buffers} buffers was written, headers included. */
    List<Integer> received(int card, int queue, int buffers) throws InterruptedException {
      List<Used> all = new ArrayList<>();
      while (all.size() < buffers) {
        machine.locked(() -> all.addAll(drivers.get(card).queues.get(queue).collect()));
        Thread.sleep(1);
      }
      return all.stream().map(Used::sizeBytes).toList();
    }

    @Override
    public void close() {
      machine.locked(devices::close);
      host.close();
      machine.close();
    }
  }

  private static PacketSocket outside(String tap, int type) {
    return PacketSocket.open(RouteNetlink.interfaceIndex(tap).orElseThrow(), type);
  }

  private static byte[] frame(Bytes to, int length) {
    byte[] frame = new byte[length];
    System.arraycopy(to.toArray(), 0, frame, 0, 6);
    frame[6] = 2;
    frame[12] = (byte) (TYPE >> 8);
    frame[13] = (byte) TYPE;
    for (int at = 14; at < length; at++) {
      frame[at] = (byte) (at * 13 + length);
    }
    return frame;
  }

  private static byte[] next(PacketSocket socket, Arena arena) throws InterruptedException {
    MemorySegment into = arena.allocate(1 << 16);
    while (true) {
      int length = socket.receive(into);
      if (length > 0) {
        return into.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
      }
      Thread.sleep(1);
    }
  }

  private static void send(PacketSocket socket, byte[] frame, Arena arena) {
    assertThat(socket.send(arena.allocateFrom(ValueLayout.JAVA_BYTE, frame))).isZero();
  }

  @Test
  void eachCardHasItsOwnTap() throws Exception {
    inOwnNamespace(() -> {
      try (Arena arena = Arena.ofConfined();
          Guest guest = new Guest();
          PacketSocket first = outside("here0", TYPE);
          PacketSocket second = outside("here1", TYPE)) {
        guest.start(0);
        guest.send(0, 1, frame(MACS.get(1), 60));
        guest.send(1, 1, frame(MACS.get(0), 61));
        guest.send(1, 3, frame(MACS.get(0), 62));
        assertThat(next(first, arena)).isEqualTo(frame(MACS.get(1), 60));
        assertThat(next(second, arena)).isEqualTo(frame(MACS.get(0), 61));
        assertThat(next(second, arena)).isEqualTo(frame(MACS.get(0), 62));
        assertThat(first.receive(arena.allocate(1 << 16))).isEqualTo(-Errno.EAGAIN);
      }
    });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void jumboFramesReachEachCardInMergedBuffersOrOneLargeOne(int card) throws Exception {
    inOwnNamespace(() -> {
      for (boolean merged : new boolean[] {true, false}) {
        try (Arena arena = Arena.ofConfined();
            Guest guest = new Guest();
            RouteNetlink netlink = RouteNetlink.open();
            PacketSocket outside = outside("here" + card, TYPE)) {
          netlink.mtu("here" + card, 9000);
          guest.start(merged ? 0 : VirtioFeature.mask(VirtioNet.MRG_RXBUF));
          ownFramesOnly(guest, card);
          byte[] frame = frame(MACS.get(card), JUMBO_FRAME);
          guest.room(card, 0, merged ? 3 : 1, merged ? 4096 : 0x10000 + HEADER);
          send(outside, frame, arena);
          assertThat(guest.received(card, 0, merged ? 3 : 1))
              .isEqualTo(
                  merged
                      ? List.of(4096, 4096, JUMBO_FRAME + HEADER - 2 * 4096)
                      : List.of(JUMBO_FRAME + HEADER));
          assertThat(guest.machine.memory.u8(ROOM + HEADER + 1000)).isEqualTo(frame[1000] & 0xff);
          guest.send(card, 1, frame(MACS.get(1 - card), JUMBO_FRAME));
          assertThat(next(outside, arena)).hasSize(JUMBO_FRAME);
        }
      }
    });
  }

  /**
   * The driver turns promiscuous mode off, with which a device starts: the kernel sends frames of
   * its own on an interface that comes up.
   */
  private static void ownFramesOnly(Guest guest, int card) {
    FakeVirtioDriver driver = guest.drivers.get(card);
    GuestMemory memory = guest.machine.memory;
    memory.putU8(OUT, 0);
    memory.putU8(OUT + 1, 0);
    memory.putU8(OUT + 2, 0);
    int control = driver.queues.size() - 1;
    driver.queues.get(control).add(new Buffer(OUT, 3, false), new Buffer(OUT + 64, 1, true));
    driver.kick(control);
    assertThat(memory.u8(OUT + 64)).isZero();
  }

  @Test
  void eachCardIsAnnouncedOnItsTap() throws Exception {
    inOwnNamespace(() -> {
      try (Arena arena = Arena.ofConfined();
          Guest guest = new Guest();
          PacketSocket first = outside("here0", TYPE_RARP);
          PacketSocket second = outside("here1", TYPE_RARP)) {
        guest.start(0);
        guest.machine.locked(guest.devices::announce);
        String all = "ffffffffffff";
        assertThat(HexFormat.of().formatHex(next(first, arena)))
            .startsWith(all + MACS.get(0) + "8035");
        assertThat(HexFormat.of().formatHex(next(second, arena)))
            .startsWith(all + MACS.get(1) + "8035");
        int linkUpAndAnnounce = 3;
        for (FakeVirtioDriver driver : guest.drivers) {
          assertThat(driver.config(6, 2, false)).isEqualTo(linkUpAndAnnounce);
        }
      }
    });
  }
}

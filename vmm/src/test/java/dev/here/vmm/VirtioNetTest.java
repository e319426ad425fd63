package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.PciAddress;
import dev.here.machine.VirtioNetState;
import dev.here.net.Offloads;
import dev.here.vmm.FakeQueueDriver.Buffer;
import dev.here.vmm.FakeQueueDriver.Used;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class VirtioNetTest {
  private static final Bytes MAC = Bytes.parse("525400123456");
  private static final long DATA = 0x100000;
  private static final long ROOM = 0x200000;

  private final FakeMachine machine = new FakeMachine();
  private final FakeFramePort port = new FakeFramePort();
  private final VirtioPowerOn powerOn = VirtioPowerOn.network(new PciAddress(0, 3, 0), MAC, 1);
  private final VirtioPci device =
      VirtioPci.network(
          powerOn.function(),
          powerOn.device(),
          List.of(port),
          machine.memory,
          machine.bus,
          machine.platform);
  private FakeVirtioDriver driver = new FakeVirtioDriver(machine, device, true);

  @AfterEach
  void close() {
    machine.locked(device::close);
    machine.close();
  }

  private void start(boolean modern, long leaveOut) {
    driver = new FakeVirtioDriver(machine, device, modern);
    machine.locked(device::resume);
    driver.start(driver.offered() & ~leaveOut, true);
    machine.messages.clear();
  }

  private static byte[] frame(long destination, int length) {
    byte[] frame = new byte[length];
    for (int at = 0; at < 6; at++) {
      frame[at] = (byte) (destination >>> 40 - 8 * at);
    }
    for (int at = 14; at < length; at++) {
      frame[at] = (byte) (at * 7 + length);
    }
    return frame;
  }

  private static byte[] record(byte[] frame) {
    byte[] record = new byte[12 + frame.length];
    System.arraycopy(frame, 0, record, 12, frame.length);
    return record;
  }

  private List<Used> received(int count) throws InterruptedException {
    List<Used> all = new ArrayList<>();
    while (all.size() < count) {
      machine.locked(() -> all.addAll(driver.queues.get(0).collect()));
      Thread.sleep(1);
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 12})
  void guestFramesGoOutWithAHeaderOfTwelve(int headerBytes) {
    boolean modern = headerBytes == 12;
    start(modern, modern ? 0 : VirtioFeature.mask(VirtioNet.MRG_RXBUF));
    byte[] frame = frame(0x0102_0304_0506L, 60);
    machine.memory.putU8(DATA, 1);
    for (int at = 0; at < frame.length; at++) {
      machine.memory.putU8(DATA + 4096 + at, frame[at]);
    }
    driver
        .queues
        .get(1)
        .add(new Buffer(DATA, headerBytes, false), new Buffer(DATA + 4096, frame.length, false));
    driver.kick(1);
    byte[] expected = record(frame);
    expected[0] = 1;
    assertThat(port.sent).containsExactly(expected);
    assertThat(driver.queues.get(1).collect()).containsExactly(new Used(0, 0));
    assertThat(machine.messages).containsExactly(0x42);
  }

  @Test
  void framesFillMergedBuffersInOrder() throws Exception {
    start(true, 0);
    FakeQueueDriver receive = driver.queues.get(0);
    machine.locked(() -> {
      for (int at = 0; at < 6; at++) {
        receive.add(new Buffer(ROOM + at * 4096L, 100, true));
      }
    });
    driver.kick(0);
    byte[] large = frame(0x5254_0012_3456L, 250);
    byte[] small = frame(0x5254_0012_3456L, 60);
    port.coming.add(record(large));
    port.coming.add(record(small));
    List<Used> used = received(4);
    assertThat(used.stream().map(Used::sizeBytes)).containsExactly(100, 100, 62, 72);
    assertThat(machine.memory.u16(ROOM + 10)).isEqualTo(3);
    assertThat(machine.memory.u16(ROOM + 3 * 4096 + 10)).isEqualTo(1);
    for (int at = 0; at < 250; at++) {
      int from = at + 12;
      assertThat(machine.memory.u8(ROOM + from / 100 * 4096L + from % 100))
          .isEqualTo(large[at] & 0xff);
    }
  }

  @Test
  void frameWaitsForRoom() throws Exception {
    start(true, 0);
    port.coming.add(record(frame(0x5254_0012_3456L, 150)));
    FakeQueueDriver receive = driver.queues.get(0);
    machine.locked(() -> receive.add(new Buffer(ROOM, 100, true)));
    driver.kick(0);
    Thread.sleep(50);
    machine.locked(() -> assertThat(receive.collect()).isEmpty());
    machine.locked(() -> receive.add(new Buffer(ROOM + 4096, 100, true)));
    driver.kick(0);
    assertThat(received(2)).hasSize(2);
  }

  @Test
  void nothingMovesWhilePaused() throws Exception {
    start(true, 0);
    machine.locked(() -> driver.queues.get(0).add(new Buffer(ROOM, 2000, true)));
    machine.locked(device::pause);
    var before = device.virtioState();
    port.coming.add(record(frame(0x5254_0012_3456L, 60)));
    driver.kick(0);
    Thread.sleep(50);
    machine.locked(() -> assertThat(device.virtioState()).isEqualTo(before));
    machine.locked(device::resume);
    assertThat(received(1)).containsExactly(new Used(0, 72));
  }

  private int control(int type, int command, byte... data) {
    FakeQueueDriver queue = driver.queues.get(2);
    machine.memory.putU8(DATA, type);
    machine.memory.putU8(DATA + 1, command);
    for (int at = 0; at < data.length; at++) {
      machine.memory.putU8(DATA + 2 + at, data[at]);
    }
    queue.add(new Buffer(DATA, 2 + data.length, false), new Buffer(DATA + 8192, 1, true));
    machine.memory.putU8(DATA + 8192, 0xee);
    driver.kick(2);
    assertThat(queue.collect()).hasSize(1);
    return machine.memory.u8(DATA + 8192);
  }

  @Test
  void controlQueueSetsTheFilter() {
    start(true, 0);
    assertThat(control(0, 0, (byte) 0)).isZero();
    assertThat(control(0, 1, (byte) 1)).isZero();
    assertThat(control(1, 1, (byte) 2, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 9)).isZero();
    byte[] tables = new byte[4 + 6 + 4];
    tables[0] = 1;
    tables[9] = 0x33;
    assertThat(control(1, 0, tables)).isZero();
    assertThat(control(2, 0, (byte) 5, (byte) 1)).isZero();
    assertThat(
            control(
                5,
                0,
                (byte) 0x82,
                (byte) 0,
                (byte) 0,
                (byte) 0,
                (byte) 0,
                (byte) 0,
                (byte) 0,
                (byte) 0))
        .isZero();
    VirtioNetState net = device.virtioState().net().orElseThrow();
    assertThat(net.promiscuous()).isFalse();
    assertThat(net.allMulticast()).isTrue();
    assertThat(net.mac()).isEqualTo(Bytes.parse("020000000009"));
    assertThat(net.unicastFilter()).containsExactly(Bytes.parse("000000000033"));
    assertThat(net.vlanFilter().at(0x105 / 8)).isEqualTo(1 << 5);
    assertThat(net.guestOffloads()).isEqualTo(0x82);
    assertThat(port.accepted.getLast()).isEqualTo(new Offloads(true, true, false, false, false));
  }

  @Test
  void malformedCommandsAreRefusedAndChangeNothing() {
    start(true, 0);
    VirtioNetState before = device.virtioState().net().orElseThrow();
    assertThat(control(0, 0)).isEqualTo(1);
    assertThat(control(0, 9, (byte) 1)).isEqualTo(1);
    assertThat(control(1, 0, (byte) 255, (byte) 255, (byte) 255, (byte) 255)).isEqualTo(1);
    assertThat(control(1, 0, (byte) 1, (byte) 0, (byte) 0, (byte) 0)).isEqualTo(1);
    assertThat(control(2, 0, (byte) 0, (byte) 0x10)).isEqualTo(1);
    assertThat(control(4, 0, (byte) 2, (byte) 0)).isEqualTo(1);
    assertThat(
            control(
                5, 0, (byte) 1, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0,
                (byte) 0))
        .isEqualTo(1);
    assertThat(control(99, 0)).isEqualTo(1);
    assertThat(device.virtioState().net()).contains(before);
  }

  @Test
  void filterKeepsForeignFramesOut() throws Exception {
    start(true, 0);
    control(0, 0, (byte) 0);
    machine.locked(() -> {
      for (int at = 0; at < 4; at++) {
        driver.queues.get(0).add(new Buffer(ROOM + at * 4096L, 2000, true));
      }
    });
    port.coming.add(record(frame(0x5254_0012_9999L, 70)));
    port.coming.add(record(frame(0x0100_5e00_0001L, 71)));
    port.coming.add(record(frame(0xffff_ffff_ffffL, 72)));
    port.coming.add(record(frame(0x5254_0012_3456L, 73)));
    assertThat(received(2).stream().map(Used::sizeBytes)).containsExactly(84, 85);
  }

  @Test
  void guestIsAskedToAnnounceItself() {
    start(true, 0);
    machine.locked(() -> assertThat(device.announce()).isTrue());
    assertThat(driver.config(6, 2, true)).isEqualTo(3);
    assertThat(machine.messages).containsExactly(0x40);
    assertThat(control(3, 0)).isZero();
    assertThat(driver.config(6, 2, true)).isEqualTo(1);
  }

  @Test
  void stateComesBackEqual() {
    start(true, 0);
    control(0, 0, (byte) 0);
    control(2, 0, (byte) 5, (byte) 1);
    machine.locked(device::pause);
    var state = device.virtioState();
    var function = device.state();
    FakeFramePort other = new FakeFramePort();
    VirtioPci restored =
        VirtioPci.network(
            function, state, List.of(other), machine.memory, machine.bus, machine.platform);
    assertThat(restored.virtioState()).isEqualTo(state);
    assertThat(restored.state()).isEqualTo(function);
    assertThat(other.accepted.getLast()).isEqualTo(new Offloads(true, true, true, true, false));
  }
}

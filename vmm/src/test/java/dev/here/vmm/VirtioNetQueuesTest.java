package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.PciAddress;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import dev.here.vmm.FakeQueueDriver.Buffer;
import dev.here.vmm.FakeQueueDriver.Used;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A network device with several queue pairs (VIRTIO 1.2, sections 5.1.2 and 5.1.6.5.5). */
@Timeout(60)
class VirtioNetQueuesTest {
  private static final Bytes MAC = Bytes.parse("525400123456");
  private static final int PAIRS = 3;
  private static final int CONTROL = 2 * PAIRS;
  private static final long DATA = 0x100000;
  private static final long ROOM = 0x200000;
  private static final int HEADER = 12;

  private final FakeMachine machine = new FakeMachine();
  private final VirtioPowerOn powerOn = VirtioPowerOn.network(new PciAddress(0, 3, 0), MAC, PAIRS);
  private final List<FakeFramePort> ports = new ArrayList<>();
  private final List<VirtioPci> made = new ArrayList<>();

  @AfterEach
  void close() {
    made.forEach(device -> machine.locked(device::close));
    machine.close();
  }

  private VirtioPci device(VirtioDevice state, int ends) {
    ports.clear();
    IntStream.range(0, ends).forEach(end -> ports.add(new FakeFramePort()));
    VirtioPci device =
        VirtioPci.network(
            powerOn.function(), state, ports, machine.memory, machine.bus, machine.platform);
    made.add(device);
    return device;
  }

  /** A driver that has set everything up and uses one pair. */
  private FakeVirtioDriver started(VirtioPci device, long leaveOut) {
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, device, true);
    machine.locked(device::resume);
    driver.start(driver.offered() & ~leaveOut, true);
    machine.messages.clear();
    return driver;
  }

  private int pairs(FakeVirtioDriver driver, int index, int pairs) {
    FakeQueueDriver queue = driver.queues.get(index);
    machine.memory.putU8(DATA, 4);
    machine.memory.putU8(DATA + 1, 0);
    machine.memory.putU16(DATA + 2, pairs);
    queue.add(new Buffer(DATA, 4, false), new Buffer(DATA + 8192, 1, true));
    machine.memory.putU8(DATA + 8192, 0xee);
    driver.kick(index);
    assertThat(queue.collect()).hasSize(1);
    return machine.memory.u8(DATA + 8192);
  }

  private void room(FakeVirtioDriver driver, int pair) {
    machine.locked(
        () -> driver.queues.get(2 * pair).add(new Buffer(ROOM + pair * 0x10000L, 2000, true)));
    driver.kick(2 * pair);
  }

  private static byte[] record(int length) {
    byte[] record = new byte[HEADER + length];
    System.arraycopy(MAC.toArray(), 0, record, HEADER, 6);
    return record;
  }

  private List<Used> received(FakeVirtioDriver driver, int pair) throws InterruptedException {
    List<Used> all = new ArrayList<>();
    while (all.isEmpty()) {
      machine.locked(() -> all.addAll(driver.queues.get(2 * pair).collect()));
      Thread.sleep(1);
    }
    return all;
  }

  private void send(FakeVirtioDriver driver, int pair, int length) {
    driver.queues.get(2 * pair + 1).add(new Buffer(DATA, HEADER + length, false));
    driver.kick(2 * pair + 1);
    assertThat(driver.queues.get(2 * pair + 1).collect()).hasSize(1);
  }

  @Test
  void eachPairHasAnEndOfItsOwnInBothDirections() throws Exception {
    FakeVirtioDriver driver = started(device(powerOn.device(), PAIRS), 0);
    assertThat(driver.queues).hasSize(2 * PAIRS + 1);
    assertThat(pairs(driver, CONTROL, PAIRS)).isZero();
    machine.messages.clear();
    for (int pair = 0; pair < PAIRS; pair++) {
      send(driver, pair, 60 + pair);
      assertThat(ports.get(pair).sent).hasSize(1);
      assertThat(ports.get(pair).sent.getFirst()).hasSize(HEADER + 60 + pair);
      room(driver, pair);
      ports.get(pair).coming.add(record(60 + pair));
      assertThat(received(driver, pair)).extracting(Used::sizeBytes).containsExactly(72 + pair);
      // Vector 0 is the configuration's, and the queues' follow, with 40h added.
      assertThat(machine.messages).containsExactly(0x42 + 2 * pair, 0x41 + 2 * pair);
      machine.messages.clear();
    }
  }

  @Test
  void untilTheDriverAsksForMoreAndAfterAResetOnePairGetsAll() throws Exception {
    VirtioPci device = device(powerOn.device(), PAIRS);
    FakeVirtioDriver driver = started(device, 0);
    room(driver, 0);
    ports.get(2).coming.add(record(64));
    assertThat(received(driver, 0)).hasSize(1);
    assertThat(pairs(driver, CONTROL, 2)).isZero();
    room(driver, 1);
    ports.get(1).coming.add(record(65));
    assertThat(received(driver, 1)).hasSize(1);
    room(driver, 0);
    ports.get(2).coming.add(record(66));
    assertThat(received(driver, 0)).hasSize(1);
    FakeVirtioDriver next = started(device, 0);
    assertThat(device.virtioState().net().orElseThrow().queuePairs()).isEqualTo(1);
    room(next, 0);
    ports.get(1).coming.add(record(67));
    assertThat(received(next, 0)).extracting(Used::sizeBytes).containsExactly(79);
  }

  @Test
  void pairsThatTheDeviceDoesNotHaveAreRefused() {
    VirtioPci device = device(powerOn.device(), PAIRS);
    FakeVirtioDriver driver = started(device, 0);
    assertThat(pairs(driver, CONTROL, 2)).isZero();
    assertThat(pairs(driver, CONTROL, 0)).isEqualTo(1);
    assertThat(pairs(driver, CONTROL, PAIRS + 1)).isEqualTo(1);
    assertThat(pairs(driver, CONTROL, 0x8000)).isEqualTo(1);
    assertThat(device.virtioState().net().orElseThrow().queuePairs()).isEqualTo(2);
  }

  @Test
  void aQueueWithoutRoomHoldsNoOtherUp() throws Exception {
    FakeVirtioDriver driver = started(device(powerOn.device(), PAIRS), 0);
    assertThat(pairs(driver, CONTROL, PAIRS)).isZero();
    room(driver, 1);
    ports.get(0).coming.add(record(60));
    Thread.sleep(50);
    ports.get(1).coming.add(record(61));
    assertThat(received(driver, 1)).hasSize(1);
    room(driver, 0);
    assertThat(received(driver, 0)).hasSize(1);
  }

  @Test
  void aFrameThatWaitsFollowsTheDriverToFewerPairs() throws Exception {
    FakeVirtioDriver driver = started(device(powerOn.device(), PAIRS), 0);
    assertThat(pairs(driver, CONTROL, PAIRS)).isZero();
    ports.get(2).coming.add(record(62));
    Thread.sleep(50);
    room(driver, 0);
    assertThat(pairs(driver, CONTROL, 1)).isZero();
    assertThat(received(driver, 0)).extracting(Used::sizeBytes).containsExactly(74);
  }

  @Test
  void aLinkWithOneEndServesAllPairs() throws Exception {
    FakeVirtioDriver driver = started(device(powerOn.device(), 1), 0);
    assertThat(pairs(driver, CONTROL, PAIRS)).isZero();
    for (int pair = 0; pair < PAIRS; pair++) {
      send(driver, pair, 60);
    }
    assertThat(ports.getFirst().sent).hasSize(PAIRS);
    room(driver, 0);
    ports.getFirst().coming.add(record(60));
    assertThat(received(driver, 0)).hasSize(1);
  }

  @Test
  void theGuestGoesOnWithItsPairsFromAState() throws Exception {
    VirtioPci device = device(powerOn.device(), PAIRS);
    FakeVirtioDriver driver = started(device, 0);
    assertThat(pairs(driver, CONTROL, 2)).isZero();
    for (int pair = 0; pair < PAIRS; pair++) {
      room(driver, pair);
    }
    machine.locked(device::pause);
    VirtioDevice state = device.virtioState();
    machine.locked(device::close);
    made.clear();
    assertThat(state.queues()).hasSize(2 * PAIRS + 1).allMatch(VirtioQueue::enabled);
    VirtioPci restored = device(state, PAIRS);
    assertThat(restored.virtioState()).isEqualTo(state);
    machine.locked(restored::resume);
    ports.get(1).coming.add(record(61));
    assertThat(received(driver, 1)).extracting(Used::sizeBytes).containsExactly(73);
  }

  /** Without VIRTIO_NET_F_MQ the control queue is the third (section 5.1.2). */
  @Test
  void aDriverWithoutMultiqueueFindsItsControlQueue() throws Exception {
    VirtioPci device = device(powerOn.device(), PAIRS);
    FakeVirtioDriver driver = started(device, VirtioFeature.mask(VirtioNet.MQ));
    assertThat(pairs(driver, 2, 2)).isEqualTo(1);
    room(driver, 0);
    ports.get(1).coming.add(record(60));
    assertThat(received(driver, 0)).hasSize(1);
  }

  /** So QEMU's device stands with a driver that did not ask for them, for example firmware's. */
  @Test
  void queuesThatADriverDidNotWantAreThereForTheNext() {
    VirtioPci device = device(with(powerOn.device(), 3, 1), PAIRS);
    assertThat(device.virtioState().queues()).hasSize(3);
    FakeVirtioDriver driver = started(device, 0);
    assertThat(device.virtioState().queues())
        .extracting(VirtioQueue::maxSize)
        .containsExactly(256, 256, 256, 256, 256, 256, 64);
    assertThat(pairs(driver, CONTROL, PAIRS)).isZero();
  }

  @Test
  void statesThatCannotGoOnAreRefusedByName() {
    assertThatThrownBy(() -> VirtioPci.check(with(powerOn.device(), 3, 2)))
        .isInstanceOf(InvalidMachineStateException.class)
        .hasMessageContaining("00:03.0")
        .hasMessageContaining("3 queues")
        .hasMessageContaining("2 queue pairs");
    assertThatThrownBy(() -> VirtioPci.check(negotiated(1L << 60 | 1L << 57)))
        .isInstanceOf(VirtioRefusedException.class)
        .hasMessageContaining("hash (bit 57), rss (bit 60)");
    VirtioPci.check(negotiated(VirtioFeature.mask(VirtioNet.MQ, VirtioNet.CTRL_VQ)));
  }

  /** As made, with fewer queues of which the last is the control queue. */
  private static VirtioDevice with(VirtioDevice base, int queues, int pairs) {
    List<VirtioQueue> kept = new ArrayList<>(base.queues().subList(0, queues - 1));
    kept.add(Virtqueue.unusedState(queues - 1, 64));
    return changed(base, 0, kept, pairs);
  }

  private VirtioDevice negotiated(long features) {
    return changed(powerOn.device(), features, powerOn.device().queues(), 1);
  }

  private static VirtioDevice changed(
      VirtioDevice base, long features, List<VirtioQueue> queues, int pairs) {
    VirtioNetState net = base.net().orElseThrow();
    return new VirtioDevice(
        base.address(),
        base.kind(),
        base.legacyInterface(),
        base.modernInterface(),
        base.offeredFeatures() | features,
        features,
        0,
        0,
        0,
        0,
        0,
        0,
        0xffff,
        0,
        false,
        queues,
        List.of(),
        base.deviceConfig(),
        Optional.of(
            new VirtioNetState(
                net.mac(),
                net.linkStatus(),
                true,
                false,
                false,
                false,
                false,
                false,
                List.of(),
                List.of(),
                net.vlanFilter(),
                0,
                pairs,
                net.maxQueuePairs(),
                0)));
  }
}

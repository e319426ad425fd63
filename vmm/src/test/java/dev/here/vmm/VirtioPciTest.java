package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.PciAddress;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioQueue;
import dev.here.vmm.FakeQueueDriver.Buffer;
import dev.here.vmm.FakeQueueDriver.Used;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The transport, shown with the simplest device behind it. */
class VirtioPciTest {
  private static final long MODERN =
      VirtioFeature.mask(VirtioFeature.VERSION_1, VirtioFeature.EVENT_INDEX);
  private static final long DATA = 0x100000;

  private final FakeMachine machine = new FakeMachine();

  @AfterEach
  void close() {
    machine.close();
  }

  private VirtioPci rng() {
    VirtioPowerOn powerOn = VirtioPowerOn.rng(new PciAddress(0, 4, 0));
    VirtioPci device =
        VirtioPci.rng(powerOn.function(), powerOn.device(), machine.memory, machine.bus);
    device.resume();
    return device;
  }

  @ParameterizedTest
  @CsvSource({"true,true", "true,false", "false,true", "false,false"})
  void driverGetsOctetsAndOneInterrupt(boolean modern, boolean msix) {
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, rng(), modern);
    driver.start(modern ? MODERN : 0, msix);
    FakeQueueDriver queue = driver.queues.getFirst();
    queue.add(new Buffer(DATA, 32, true), new Buffer(DATA + 4096, 32, true));
    driver.kick(0);
    assertThat(queue.collect()).containsExactly(new Used(0, 64));
    long sum = 0;
    for (int at = 0; at < 4; at++) {
      sum |= machine.memory.u64(DATA + at * 8L);
    }
    assertThat(sum).isNotZero();
    if (msix) {
      assertThat(machine.messages).containsExactly(0x41);
      assertThat(machine.wire).isFalse();
    } else {
      assertThat(machine.wire).isTrue();
      assertThat(driver.isr()).isEqualTo(1);
      assertThat(machine.wire).isFalse();
      assertThat(driver.isr()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void brokenRingStopsTheDeviceUntilReset(boolean modern) {
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, rng(), modern);
    driver.start(modern ? MODERN : 0, true);
    driver.queues.getFirst().offer(8);
    driver.kick(0);
    assertThat(driver.device.virtioState().broken()).isTrue();
    assertThat(driver.status() & 0x40).isEqualTo(modern ? 0x40 : 0);
    assertThat(machine.messages).isEqualTo(modern ? List.of(0x40) : List.of());
    driver.kick(0);
    assertThat(driver.queues.getFirst().collect()).isEmpty();
    driver.queues.clear();
    driver.start(modern ? MODERN : 0, true);
    driver.queues.getFirst().add(new Buffer(DATA, 8, true));
    driver.kick(0);
    assertThat(driver.queues.getFirst().collect()).hasSize(1);
  }

  @Test
  void featuresThatWereNotOfferedAreRefused() {
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, rng(), true);
    assertThatThrownBy(
            () -> driver.start(MODERN | VirtioFeature.mask(VirtioFeature.RING_PACKED), false))
        .hasMessage("features refused");
  }

  @Test
  void offeredFeaturesReadTheSameWayBothWays() {
    VirtioPci device = rng();
    long modern = new FakeVirtioDriver(machine, device, true).offered();
    long legacy = new FakeVirtioDriver(machine, device, false).offered();
    assertThat(modern & 0xffff_ffffL).isEqualTo(legacy);
    assertThat(VirtioFeature.has(modern, VirtioFeature.VERSION_1)).isTrue();
  }

  @Test
  void negotiatedFeatureThatIsNotCarriedIsRefusedByName() {
    VirtioPowerOn powerOn = VirtioPowerOn.rng(new PciAddress(0, 4, 0));
    VirtioDevice packed =
        withFeatures(powerOn.device(), VirtioFeature.mask(VirtioFeature.RING_PACKED));
    assertThatThrownBy(() -> VirtioPci.rng(powerOn.function(), packed, machine.memory, machine.bus))
        .isInstanceOf(VirtioRefusedException.class)
        .hasMessageContaining("packed (bit 34)")
        .hasMessageContaining("00:04.0");
  }

  @Test
  void configurationSpaceReachesTheRegisters() {
    VirtioPci device = rng();
    device.writeConfig(0x84 + 4, 1, 4);
    device.writeConfig(0x84 + 8, 4, 20);
    device.writeConfig(0x84 + 12, 4, 1);
    device.writeConfig(0x84 + 16, 1, 1);
    assertThat(machine.mmio.read(0xfe00_0000L + 4 * 0x4000 + 20, 1)).isEqualTo(1);
    device.writeConfig(0x84 + 8, 4, 18);
    device.writeConfig(0x84 + 12, 4, 2);
    assertThat(device.readConfig(0x84 + 16, 2)).isEqualTo(1);
  }

  @Test
  void notificationsWaitWhileThePlatformStandsStill() {
    VirtioPci device = rng();
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, device, true);
    driver.start(MODERN, true);
    machine.locked(device::pause);
    driver.queues.getFirst().add(new Buffer(DATA, 8, true));
    driver.kick(0);
    assertThat(driver.queues.getFirst().collect()).isEmpty();
    machine.locked(device::resume);
    assertThat(driver.queues.getFirst().collect()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void anyStateComesBackEqual(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    VirtioPowerOn powerOn = VirtioPowerOn.rng(new PciAddress(0, 1 + random.nextInt(30), 0));
    VirtioDevice base = powerOn.device();
    long features = base.offeredFeatures() & random.nextLong();
    VirtioQueue queue =
        new VirtioQueue(
            0,
            8,
            8,
            random.nextBoolean(),
            random.nextLong(),
            random.nextLong(),
            random.nextLong(),
            random.nextInt(0x10000),
            random.nextInt(0x10000),
            random.nextInt(0x10000),
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextInt(0x10000));
    VirtioDevice state =
        new VirtioDevice(
            base.address(),
            base.kind(),
            true,
            true,
            base.offeredFeatures(),
            features,
            random.nextInt(),
            random.nextInt(),
            random.nextLong(),
            random.nextInt(256),
            random.nextInt(256),
            random.nextInt(0x10000),
            random.nextInt(0x10000),
            random.nextInt(256),
            random.nextBoolean(),
            List.of(queue),
            List.of(),
            base.deviceConfig(),
            base.net());
    VirtioPci device = VirtioPci.rng(powerOn.function(), state, machine.memory, machine.bus);
    assertThat(device.virtioState()).isEqualTo(state);
    assertThat(device.state()).isEqualTo(powerOn.function());
  }

  private static VirtioDevice withFeatures(VirtioDevice base, long negotiated) {
    return new VirtioDevice(
        base.address(),
        base.kind(),
        base.legacyInterface(),
        base.modernInterface(),
        base.offeredFeatures() | negotiated,
        negotiated,
        0,
        0,
        0,
        15,
        0,
        0,
        0xffff,
        0,
        false,
        base.queues(),
        base.inFlight(),
        base.deviceConfig(),
        base.net());
  }
}

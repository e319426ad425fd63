package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.PciAddress;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioQueue;
import dev.here.machine.VirtioRequest;
import dev.here.vmm.FakeQueueDriver.Buffer;
import dev.here.vmm.FakeQueueDriver.Used;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class VirtioBlockTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 2, 0);
  private static final int SECTORS = 64;
  private static final long HEADER = 0x100000;
  private static final long DATA = 0x110000;
  private static final long STATUS = 0x120000;

  @TempDir Path folder;
  private final FakeMachine machine = new FakeMachine();
  private final List<VirtioPci> devices = new ArrayList<>();
  private Path image;

  @BeforeEach
  void image() throws Exception {
    image = folder.resolve("disk.raw");
    byte[] octets = new byte[SECTORS * 512];
    for (int at = 0; at < octets.length; at++) {
      octets[at] = (byte) (at / 512 + at);
    }
    Files.write(image, octets);
  }

  @AfterEach
  void close() {
    machine.locked(() -> devices.forEach(VirtioPci::close));
    machine.close();
  }

  private VirtioPci disk(VirtioDevice state, boolean readOnly) {
    VirtioPowerOn powerOn = VirtioPowerOn.block(ADDRESS, SECTORS, readOnly);
    VirtioPci device =
        VirtioPci.block(
            powerOn.function(),
            state,
            RawDisk.open(image.toString(), readOnly),
            "serial-0",
            machine.memory,
            machine.bus,
            machine.platform);
    devices.add(device);
    return device;
  }

  private FakeVirtioDriver started(boolean readOnly, boolean modern) {
    VirtioPci device = disk(VirtioPowerOn.block(ADDRESS, SECTORS, readOnly).device(), readOnly);
    machine.locked(device::resume);
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, device, modern);
    driver.start(modern ? driver.offered() : 0, true);
    return driver;
  }

  private void header(int type, long sector) {
    machine.memory.putU32(HEADER, type);
    machine.memory.putU32(HEADER + 4, 0);
    machine.memory.putU64(HEADER + 8, sector);
    machine.memory.putU8(STATUS, 0xee);
  }

  private List<Buffer> request(Buffer... data) {
    List<Buffer> buffers = new ArrayList<>();
    buffers.add(new Buffer(HEADER, 16, false));
    buffers.addAll(List.of(data));
    buffers.add(new Buffer(STATUS, 1, true));
    return buffers;
  }

  /** Waits for the device's thread; the class's time limit ends a wait that lasts for ever. */
  private Used answer(FakeVirtioDriver driver) throws InterruptedException {
    while (true) {
      List<Used> used = new ArrayList<>();
      machine.locked(() -> used.addAll(driver.queues.getFirst().collect()));
      if (!used.isEmpty()) {
        assertThat(used).hasSize(1);
        return used.getFirst();
      }
      Thread.sleep(1);
    }
  }

  private int run(FakeVirtioDriver driver, List<Buffer> buffers) throws InterruptedException {
    machine.locked(() -> driver.queues.getFirst().add(buffers));
    driver.kick(0);
    answer(driver);
    return machine.memory.u8(STATUS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void readsWhatTheImageHolds(boolean modern) throws Exception {
    FakeVirtioDriver driver = started(true, modern);
    assertThat(driver.config(0, 4, true)).isEqualTo(SECTORS);
    header(0, 3);
    int status =
        run(driver, request(new Buffer(DATA, 512, true), new Buffer(DATA + 4096, 512, true)));
    assertThat(status).isZero();
    byte[] octets = Files.readAllBytes(image);
    for (int at = 0; at < 512; at++) {
      assertThat(machine.memory.u8(DATA + at)).isEqualTo(octets[3 * 512 + at] & 0xff);
      assertThat(machine.memory.u8(DATA + 4096 + at)).isEqualTo(octets[4 * 512 + at] & 0xff);
    }
    assertThat(machine.messages).containsExactly(0x41);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void writesReachTheImage(boolean modern) throws Exception {
    FakeVirtioDriver driver = started(false, modern);
    for (int at = 0; at < 1024; at++) {
      machine.memory.putU8(DATA + at, 0xa0 + at % 7);
    }
    header(1, 62);
    assertThat(run(driver, request(new Buffer(DATA, 1024, false)))).isZero();
    header(4, 0);
    assertThat(run(driver, request())).isZero();
    byte[] octets = Files.readAllBytes(image);
    assertThat(octets[62 * 512]).isEqualTo((byte) 0xa0);
    assertThat(octets[64 * 512 - 1]).isEqualTo((byte) (0xa0 + 1023 % 7));
  }

  @Test
  void writeZeroesAndIdentity() throws Exception {
    FakeVirtioDriver driver = started(false, true);
    header(13, 0);
    machine.memory.putU64(DATA, 5);
    machine.memory.putU32(DATA + 8, 2);
    machine.memory.putU32(DATA + 12, 0);
    assertThat(run(driver, request(new Buffer(DATA, 16, false)))).isZero();
    byte[] octets = Files.readAllBytes(image);
    assertThat(octets[5 * 512 + 1] | octets[7 * 512 - 1]).isZero();
    assertThat(octets[5 * 512 - 1]).isNotZero();
    header(8, 0);
    assertThat(run(driver, request(new Buffer(DATA, 20, true)))).isZero();
    assertThat(machine.memory.u64(DATA)).isEqualTo(0x302d6c6169726573L);
  }

  @Test
  void whatCannotBeDoneGetsAnErrorStatus() throws Exception {
    FakeVirtioDriver readOnly = started(true, true);
    header(1, 0);
    assertThat(run(readOnly, request(new Buffer(DATA, 512, false)))).isEqualTo(1);
    header(0, SECTORS);
    assertThat(run(readOnly, request(new Buffer(DATA, 512, true)))).isEqualTo(1);
    header(0, -1);
    assertThat(run(readOnly, request(new Buffer(DATA, 512, true)))).isEqualTo(1);
    header(0, 0);
    assertThat(run(readOnly, request(new Buffer(DATA, 100, true)))).isEqualTo(1);
    header(77, 0);
    assertThat(run(readOnly, request())).isEqualTo(2);
  }

  @Test
  void imageThatShrankGivesAnIoError() throws Exception {
    FakeVirtioDriver driver = started(false, true);
    Files.write(image, new byte[512]);
    header(0, 10);
    assertThat(run(driver, request(new Buffer(DATA, 512, true)))).isEqualTo(1);
  }

  @Test
  void requestInFlightIsCarriedOutAgainAfterARestore() throws Exception {
    FakeVirtioDriver driver = started(false, true);
    header(1, 7);
    machine.memory.putU8(DATA, 0x77);
    machine.locked(driver.device::pause);
    int head = driver.queues.getFirst().add(request(new Buffer(DATA, 512, false)));
    VirtioDevice before = driver.device.virtioState();
    VirtioDevice taken = taken(before, head);
    machine.locked(driver.device::close);
    devices.clear();

    VirtioPci restored = disk(taken, false);
    assertThat(restored.virtioState()).isEqualTo(taken);
    machine.locked(restored::resume);
    assertThat(answer(driver).head()).isEqualTo(head);
    assertThat(machine.memory.u8(STATUS)).isZero();
    assertThat(Files.readAllBytes(image)[7 * 512]).isEqualTo((byte) 0x77);
    machine.locked(restored::pause);
    assertThat(restored.virtioState().inFlight()).isEmpty();
  }

  /** As if the device had taken the request and had not answered it. */
  private static VirtioDevice taken(VirtioDevice state, int head) {
    var queue = state.queues().getFirst();
    var moved =
        new VirtioQueue(
            0,
            queue.size(),
            queue.maxSize(),
            true,
            queue.descriptorGpa(),
            queue.driverGpa(),
            queue.deviceGpa(),
            queue.nextAvailable() + 1,
            queue.usedIndex(),
            queue.signalledUsed(),
            queue.signalledUsedValid(),
            queue.notificationOn(),
            queue.msixVector());
    return new VirtioDevice(
        state.address(),
        state.kind(),
        true,
        true,
        state.offeredFeatures(),
        state.negotiatedFeatures(),
        state.deviceFeatureSelect(),
        state.driverFeatureSelect(),
        state.driverFeaturesWritten(),
        state.status(),
        state.isr(),
        state.queueSelect(),
        state.configVector(),
        state.configGeneration(),
        state.broken(),
        List.of(moved),
        List.of(new VirtioRequest(0, head)),
        state.deviceConfig(),
        state.net());
  }

  @Test
  void diskOfTheWrongSizeOrModeIsRefused() {
    VirtioDevice larger = VirtioPowerOn.block(ADDRESS, SECTORS + 1, false).device();
    assertThatThrownBy(() -> disk(larger, false))
        .isInstanceOf(VirtioRefusedException.class)
        .hasMessageContaining("knows 65 sectors, the disk behind it has 64");
    VirtioDevice writable = VirtioPowerOn.block(ADDRESS, SECTORS, false).device();
    assertThatThrownBy(() -> disk(writable, true))
        .isInstanceOf(VirtioRefusedException.class)
        .hasMessageContaining("read-only");
  }
}

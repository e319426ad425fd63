package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.qemu.VmStateReader;
import dev.here.formats.qemu.VmStruct;
import dev.here.formats.qemu.VmValue;
import dev.here.formats.state.BothWays;
import dev.here.formats.state.MachineStateCodec;
import dev.here.machine.Bytes;
import dev.here.machine.LostField;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PlatformOrigin;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioQueue;
import dev.here.testkit.ChangedOctets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class XenDomainImageTest {
  /** The origin of a guest that {@code xl save} wrote, with a device model's state. */
  static XenOrigin origin(String devices) throws IOException {
    List<XenStreamItem> saved = XenGolden.items(XenGolden.octets("hvm-1cpu.xlsave"));
    return new XenOrigin(
        ((XlSaveHeader) saved.getFirst()).configuration().orElseThrow(),
        (LibxcRecord.CpuidPolicy) saved.get(4),
        (LibxcRecord.MsrPolicy) saved.get(5),
        (LibxcRecord.TscInfo) saved.get(9),
        (LibxcRecord.HvmParams) saved.get(11),
        Optional.empty(),
        Bytes.of(XenGolden.octets(devices + ".dmstate")));
  }

  private static MachineState state(String name, int vcpus, XenOrigin origin) {
    MachineState made =
        new XenMachineTranslator(XenMachineTranslatorTest.facts(name, vcpus, false))
            .translate(
                XenGolden.context(name),
                VmStateReader.readDevices(XenGolden.octets(name + ".dmstate")),
                XenMachineTranslatorTest.INSTANT)
            .state();
    return made.on(made.platform().from(origin.pack()));
  }

  @Test
  void anOriginComesBackAsItWas() throws IOException {
    XenOrigin origin = origin("hvm-1cpu");
    PlatformOrigin packed = origin.pack();
    assertThat(packed.data().length()).isLessThan(8192);
    assertThat(XenOrigin.unpack(packed)).isEqualTo(origin);
  }

  @ParameterizedTest
  @ValueSource(strings = {"hvm-1cpu", "hvm-2cpu"})
  void theDeviceModelsStateComesBackAsTheGuestSawIt(String name) throws IOException {
    int vcpus = XenGolden.context(name).all(HvmLapic.class).size();
    XenDomainImage image = XenDomainImage.of(state(name, vcpus, origin(name)));
    assertDevicesAreWhole(image);
  }

  private static void assertDevicesAreWhole(XenDomainImage image) {
    assertThat(image.report().lost())
        .extracting(LostField::path)
        .noneMatch(path -> path.startsWith("pci") || path.startsWith("virtio"))
        .noneMatch(path -> path.startsWith("isa"));
  }

  /** A later state goes over an older template: as if the guest had run elsewhere meanwhile. */
  @Test
  void whatChangedMeanwhileIsInTheStream() throws IOException {
    MachineState state = state("hvm-1cpu", 1, origin("hvm-1cpu"));
    MachineState changed = ChangedGuest.of(state);
    assertThat(changed).isNotEqualTo(state);
    XenDomainImage image = XenDomainImage.of(changed);
    assertDevicesAreWhole(image);
  }

  @Test
  void theStreamIsOneThatXlWrites() throws IOException {
    MachineState state = state("hvm-1cpu", 1, origin("hvm-1cpu"));
    var memory =
        new MemoryMap(
            3 * 4096,
            List.of(
                new MemoryRegion("low", 0, 8192, MemoryKind.RAM, 4096),
                new MemoryRegion("high", 0xfeffc000L, 4096, MemoryKind.RAM, 0)));
    MachineState small = ChangedGuest.inMemory(state, memory);
    byte[] contents = new byte[3 * 4096];
    new java.util.Random(4).nextBytes(contents);
    var out = new ByteArrayOutputStream();
    XenDomainImage.of(small).write(Channels.newChannel(out), MemorySegment.ofArray(contents));
    List<XenStreamItem> items = XenGolden.items(out.toByteArray());
    List<XenStreamItem> saved = XenGolden.items(XenGolden.octets("hvm-1cpu.xlsave"));
    assertThat(items.stream().map(Object::getClass))
        .containsExactlyElementsOf(saved.stream().<Class<?>>map(Object::getClass).toList());
    assertThat(items.subList(0, 7)).isEqualTo(saved.subList(0, 7));
    assertThat(((LibxcRecord.PageData) items.get(7)).entries())
        .containsExactly(LibxcRecord.PageEntry.normal(0), LibxcRecord.PageEntry.normal(1));
    assertThat(((LibxcRecord.PageData) items.get(7)).pages())
        .isEqualTo(java.util.Arrays.copyOfRange(contents, 4096, 3 * 4096));
    assertThat(((LibxcRecord.PageData) items.get(8)).entries())
        .containsExactly(LibxcRecord.PageEntry.normal(0xfeffc));
    assertThat(((LibxcRecord.HvmContextRecord) items.get(10)).decode().header().tscKhz())
        .isEqualTo(state.clock().tscKhz());
    VmStateReader.readDevices(((LibxlRecord.EmulatorContext) items.get(13)).context().toArray());
  }

  /** QEMU looks at a disk's queue only when it is told to: what was offered goes along as taken. */
  @Test
  void aDisksRequestThatNobodyHasTakenGoesAlong() throws IOException {
    MachineState state = state("hvm-1cpu", 1, origin("hvm-1cpu"));
    VirtioDevice disk =
        state.virtio().stream()
            .filter(device -> device.kind() == VirtioKind.BLOCK)
            .findFirst()
            .orElseThrow();
    VirtioQueue queue = disk.queues().getFirst();
    long first = queue.descriptorGpa() & -4096L;
    int size = 1 << 16;
    var memory =
        new MemoryMap(size, List.of(new MemoryRegion("rings", first, size, MemoryKind.RAM, 0)));
    ByteBuffer contents = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    int slot = queue.nextAvailable() % queue.size();
    contents
        .putLong((int) (queue.descriptorGpa() - first) + 16 * 5, first + 0x8000)
        .putInt((int) (queue.descriptorGpa() - first) + 16 * 5 + 8, 16)
        .putShort((int) (queue.driverGpa() - first) + 2, (short) (queue.nextAvailable() + 1))
        .putShort((int) (queue.driverGpa() - first) + 4 + 2 * slot, (short) 5)
        .putShort((int) (queue.deviceGpa() - first), (short) 1);

    var out = new ByteArrayOutputStream();
    XenDomainImage.of(ChangedGuest.inMemory(state, memory))
        .write(Channels.newChannel(out), MemorySegment.ofBuffer(contents));

    List<XenStreamItem> items = XenGolden.items(out.toByteArray());
    var model = (LibxlRecord.EmulatorContext) items.get(items.size() - 2);
    VmStruct section =
        VmStateReader.readDevices(model.context().toArray())
            .section("0000:%s/virtio-blk".formatted(disk.address()), 0)
            .orElseThrow();
    VmStruct virtio = value(section, "virtio", VmValue.Nested.class).struct();
    List<VmStruct> requests = value(virtio, "requests", VmValue.Structs.class).elements();
    assertThat(requests).hasSize(1);
    ByteBuffer element =
        ByteBuffer.wrap(value(requests.getFirst(), "element", VmValue.Octets.class).bytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    assertThat(element.getInt(0)).as("head").isEqualTo(5);
    assertThat(element.getInt(4)).as("parts read").isEqualTo(1);
    assertThat(element.getInt(8)).as("parts written").isZero();
    assertThat(element.getLong(16 + 8 * 1024)).as("address").isEqualTo(first + 0x8000);
    assertThat(element.getLong(16 + 2 * 8 * 1024 + 16 * 1024 + 8)).as("length").isEqualTo(16);
    VmStruct there = value(virtio, "queues", VmValue.Structs.class).elements().getFirst();
    assertThat(there.fields().get("last_avail_idx"))
        .isEqualTo(new VmValue.Scalar(queue.nextAvailable() + 1));
    assertThat(contents.getShort((int) (queue.deviceGpa() - first))).as("used flags").isZero();
  }

  private static <T extends VmValue> T value(VmStruct struct, String name, Class<T> kind) {
    return kind.cast(Objects.requireNonNull(struct.fields().get(name), name));
  }

  @Test
  void refusals() throws IOException {
    XenOrigin origin = origin("hvm-1cpu");
    MachineState state = state("hvm-1cpu", 1, origin);
    refused(
        "was started by xen-4.17",
        state.on(new dev.here.machine.Platform("xen-4.17", "pc", "demo")));
    refused("of form 'xen-4.18'", with(state, new PlatformOrigin("xen-4.18", 1, Bytes.EMPTY)));
    refused("cut short", with(state, new PlatformOrigin(XenOrigin.FORM, 1, Bytes.EMPTY)));
    Bytes packed = origin.pack().data();
    refused(
        "cut short",
        with(state, new PlatformOrigin(XenOrigin.FORM, 1, packed.slice(0, packed.length() / 2))));
    refused("has 2 virtio devices, the guest 0", ChangedGuest.withoutVirtio(state));
    var noDevices =
        new XenOrigin(
            origin.configuration(),
            origin.cpuid(),
            origin.msrs(),
            origin.tsc(),
            origin.params(),
            origin.xenstore(),
            Bytes.parse("00"));
    refused("device state", with(state, noDevices.pack()));
  }

  private static MachineState with(MachineState state, PlatformOrigin origin) {
    return state.on(state.platform().from(origin));
  }

  private static void refused(String text, MachineState state) {
    assertThatThrownBy(() -> XenDomainImage.of(state))
        .isInstanceOf(XenFormatException.class)
        .hasMessageContaining(text);
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void changedOctetsGiveAnImageOrARefusal(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    MachineState state = state("hvm-1cpu", 1, origin("hvm-1cpu"));
    XenOrigin origin = origin("hvm-1cpu");
    byte[] packed = origin.pack().data().toArray();
    byte[] devices = origin.devices().toArray();
    int refused = 0;
    for (int round = 0; round < XenFuzz.ROUNDS; round++) {
      try {
        boolean inside = round % 2 == 0;
        PlatformOrigin changed =
            inside
                ? new XenOrigin(
                        origin.configuration(),
                        origin.cpuid(),
                        origin.msrs(),
                        origin.tsc(),
                        origin.params(),
                        origin.xenstore(),
                        Bytes.of(ChangedOctets.of(devices, random)))
                    .pack()
                : new PlatformOrigin(XenOrigin.FORM, 1, Bytes.of(ChangedOctets.of(packed, random)));
        XenDomainImage.of(with(state, changed));
      } catch (XenFormatException | dev.here.machine.InvalidMachineStateException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused with seed %d", seed).isPositive();
  }

  @Test
  void aStateWithAnOriginGoesThroughTheCodec() throws IOException {
    MachineState state = state("hvm-1cpu", 1, origin("hvm-1cpu"));
    assertThat(MachineStateCodec.decode(MachineStateCodec.encode(state))).isEqualTo(state);
    BothWays.agreeOn(state);
  }
}

package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.qemu.MigrationStream;
import dev.here.formats.qemu.MigrationStreamReader;
import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.formats.qemu.QemuMachineTranslator;
import dev.here.formats.qemu.QemuMemoryLayout;
import dev.here.formats.qemu.QemuMemoryTree;
import dev.here.formats.qemu.RamBlock;
import dev.here.formats.qemu.RamSink;
import dev.here.formats.qemu.VmStateReader;
import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateDiff;
import dev.here.machine.Bytes;
import dev.here.machine.DirtySet;
import dev.here.machine.MachineState;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.Platform;
import dev.here.net.FramePort;
import dev.here.net.Offloads;
import dev.here.testkit.SampleMachine;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A whole platform taken in and saved again, with no guest in between. */
class PlatformDevicesTest {
  private static final Path GOLDEN = Path.of("../formats/src/test/resources/dev/here/formats/qemu");

  /** The state that devices made from {@code state} save at once. */
  private static MachineState taken(MachineState state) {
    try (Arena arena = Arena.ofShared()) {
      GuestMemory memory =
          new GuestMemory(
              arena.allocate(state.memory().backingSizeBytes(), 4096),
              state.memory(),
              new DirtySet(arena, state.memory().pageCount()));
      ReentrantLock lock = new ReentrantLock();
      lock.lock();
      try (PlatformDevices devices =
          new PlatformDevices(
              state,
              new MachineDevices.Sockets(
                  lock,
                  new PortBus(),
                  new MmioBus(),
                  memory,
                  new FakeClock(5_000_000_000L),
                  (address, data) -> {},
                  asserted -> {},
                  memory::remap,
                  (reset, reason) -> {}),
              (function, device, bus) ->
                  switch (device.kind()) {
                    case NET ->
                        VirtioPci.network(
                            function, device, List.of(new NoPort()), memory, bus, lock);
                    case BLOCK ->
                        VirtioPci.block(
                            function,
                            device,
                            new NoDisk(device.deviceConfig().u64(0) * 512),
                            "",
                            memory,
                            bus,
                            lock);
                    case RNG -> VirtioPci.rng(function, device, memory, bus);
                  },
              octet -> {},
              new GuestAnnouncement(lock))) {
        return devices.save(memory.map(), state.vcpus(), state.clock());
      } finally {
        lock.unlock();
      }
    }
  }

  @Test
  void powerOnIsKept() {
    MachineState sample = SampleMachine.state(7, 2, 1024);
    MachineState state =
        PowerOnPlatform.state(
            sample.platform(),
            sample.memory(),
            sample.vcpus(),
            List.of(VirtioPowerOn.rng(new PciAddress(0, 2, 0))),
            1_700_000_000L,
            sample.clock());
    MachineState kept = taken(state);
    // Wires are levels that the devices drive: the timer's output starts high.
    assertThat(differences(state, kept))
        .containsExactlyInAnyOrder("pic.master.lines", "ioApic.lines");
    assertThat(kept.pic().master().lines()).isEqualTo(1);
    assertThat(differences(kept, taken(kept))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"kvm-2cpu", "kvm-2cpu-nodefaults"})
  void whatQemuSentIsKept(String name) throws IOException {
    MachineState state = golden(name);
    MachineState kept = taken(state);
    // QEMU reads register 37h as 32h (century), where ours holds the same value; it sends as many
    // octets of pending bits as it has vectors for, ours holds whole words.
    assertThat(differences(state, kept))
        .allMatch(path -> path.equals("rtc.cmos") || path.endsWith("msix.pending"));
    byte[] cmos = state.rtc().cmos().toArray();
    cmos[0x37] = cmos[0x32];
    assertThat(kept.rtc().cmos()).isEqualTo(Bytes.of(cmos));
    for (int at = 0; at < state.pci().functions().size(); at++) {
      assertThat(pending(kept, at)).startsWith(pending(state, at));
    }
    assertThat(differences(kept, taken(kept))).isEmpty();
  }

  private static String pending(MachineState state, int function) {
    return state.pci().functions().get(function).msix().map(x -> x.pending().toString()).orElse("");
  }

  private static List<String> differences(MachineState before, MachineState after) {
    return StateDiff.between(MachineStateCodec.tree(before), MachineStateCodec.tree(after)).stream()
        .map(StateDiff.Difference::path)
        .toList();
  }

  private static MachineState golden(String name) throws IOException {
    MigrationStream stream =
        new MigrationStreamReader(
                Channels.newChannel(new ByteArrayInputStream(unpacked(name + ".stream"))))
            .read(new NoPages());
    List<QemuGuestFacts.Vcpu> vcpus =
        List.of(new QemuGuestFacts.Vcpu(0, List.of()), new QemuGuestFacts.Vcpu(1, List.of()));
    QemuGuestFacts facts =
        new QemuGuestFacts(
            new Platform("qemu-7.2.22", "pc-i440fx-7.2", name),
            true,
            vcpus,
            0,
            QemuMemoryTree.parse(new String(unpacked(name + ".mtree"), StandardCharsets.UTF_8)),
            functions(name));
    return new QemuMachineTranslator(
            facts, QemuMemoryLayout.of(stream.ramBlocks(), facts.addresses()))
        .translate(
            VmStateReader.read(stream.schema().orElseThrow(), stream.deviceState()),
            new QemuCaptureInstant(1_795_409_640_500_000_000L, 5_000_000_000L))
        .state();
  }

  private static List<QemuGuestFacts.Function> functions(String name) throws IOException {
    List<QemuGuestFacts.Function> functions = new ArrayList<>();
    JsonNode answer = JsonMapper.builder().build().readTree(unpacked(name + ".pci"));
    for (JsonNode device : answer.path("return").path(0).path("devices")) {
      List<PciBar> bars = new ArrayList<>();
      for (JsonNode region : device.path("regions")) {
        bars.add(
            new PciBar(
                region.path("bar").asInt(),
                region.path("type").asString().equals("io"),
                region.path("mem_type_64").asBoolean(false),
                region.path("prefetch").asBoolean(false),
                region.path("size").asLong()));
      }
      functions.add(
          new QemuGuestFacts.Function(
              new PciAddress(0, device.path("slot").asInt(), device.path("function").asInt()),
              bars,
              -1L));
    }
    return functions;
  }

  private static byte[] unpacked(String name) throws IOException {
    try (GZIPInputStream file =
        new GZIPInputStream(Files.newInputStream(GOLDEN.resolve(name + ".gz")))) {
      return file.readAllBytes();
    }
  }

  private static final class NoPages implements RamSink {
    @Override
    public void blocks(List<RamBlock> blocks) {}

    @Override
    public void page(int blockIndex, long offsetInBlock, MemorySegment source, long at) {}

    @Override
    public void zeroPage(int blockIndex, long offsetInBlock) {}
  }

  private static final class NoPort implements FramePort {
    @Override
    public boolean send(MemorySegment record, int length) {
      return true;
    }

    @Override
    public int receive(MemorySegment record, int timeoutMillis) {
      return 0;
    }

    @Override
    public void accept(Offloads offloads) {}

    @Override
    public void close() {}
  }

  private record NoDisk(long sizeBytes) implements BlockBackend {
    @Override
    public boolean readOnly() {
      return true;
    }

    @Override
    public void read(long offset, MemorySegment target) {}

    @Override
    public void write(long offset, MemorySegment source) {}

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}

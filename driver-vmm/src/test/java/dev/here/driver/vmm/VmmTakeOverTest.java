package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.here.formats.control.ControlMessage;
import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuMigrationFile;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.PageSink;
import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.Bytes;
import dev.here.machine.ClockState;
import dev.here.machine.MachineState;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** From one VMM process to another and on to a third, on this machine's KVM. */
@Timeout(120)
class VmmTakeOverTest {
  private record Copy(MemorySegment memory) implements PageSink {
    @Override
    public void page(int pageIndex, MemorySegment source, long sourceOffset) {
      MemorySegment.copy(source, sourceOffset, memory, pageIndex * 4096L, 4096);
    }

    @Override
    public void zeroPage(int pageIndex) {
      memory.asSlice(pageIndex * 4096L, 4096).fill((byte) 0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theGuestGoesOnInTheNextProcess(int vcpus) throws Exception {
    try (BareMetalGuest guest = new BareMetalGuest(vcpus)) {
      VmmStandby running = guest.running();
      for (int hop = 0; hop < 2; hop++) {
        guest.awaitGenerations(running.memory(), 1);
        VmmStandby next = guest.standby();
        next.start();
        next.prepare(guest.memory, vcpus);
        try (VmmPrimary primary = VmmPrimary.attach(running.socket())) {
          assertThat(primary.memoryMap()).isEqualTo(guest.memory);
          Copy copy = new Copy(next.memory());
          primary.seed(copy);
          Capture capture = primary.capture(copy, () -> {});
          for (int epoch = 0; epoch < 4; epoch++) {
            Thread.sleep(10);
            capture = primary.capture(copy, () -> {});
            next.validate(BareMetalGuest.encoded(capture.machine().get().state()));
          }
          primary.kill();
          assertThat(guest.guest.verify(next.memory())).isEmpty();
          next.activate(BareMetalGuest.encoded(capture.machine().get().state()));
        }
        running = next;
      }
      guest.awaitGenerations(running.memory(), 2);
      try (VmmControl control = VmmControl.connect(running.socket())) {
        control.done(new ControlMessage.Pause());
        assertThat(guest.guest.verify(running.memory())).isEmpty();
      }
    }
  }

  @Test
  void aStateOfOtherMemoryIsRefusedAndTheGoodOneStillLoads() throws Exception {
    try (BareMetalGuest guest = new BareMetalGuest(1);
        BareMetalGuest other = new BareMetalGuest(2)) {
      VmmStandby standby = guest.standby();
      standby.prepare(guest.memory, 1);
      guest.guest.writeTo(standby.memory());
      assertThatThrownBy(() -> standby.validate(BareMetalGuest.encoded(other.state)))
          .isInstanceOf(StateRefusedException.class)
          .hasMessageContaining("memory");
      standby.validate(BareMetalGuest.encoded(guest.state));
      standby.activate(BareMetalGuest.encoded(guest.state));
      guest.awaitGenerations(standby.memory(), 1);
    }
  }

  /** The last would need more memory as a tree than the process has. */
  @Test
  void octetsOfAHostilePrimaryAreRefusedAndTheGuestStillRuns() throws Exception {
    List<String> hostile =
        List.of(
            "",
            "{",
            "no machine state",
            "[".repeat(1000),
            "{\"version\":1,\"platform\":[" + "{},".repeat(2_700_000) + "{}]}");
    try (BareMetalGuest guest = new BareMetalGuest(1)) {
      VmmStandby standby = guest.standby();
      standby.prepare(guest.memory, 1);
      guest.guest.writeTo(standby.memory());
      EncodedState good = BareMetalGuest.encoded(guest.state);
      standby.validate(good);
      for (String json : hostile) {
        assertThatThrownBy(() -> standby.validate(undecoded(json)))
            .isInstanceOf(StateRefusedException.class);
      }
      standby.activate(good);
      guest.awaitGenerations(standby.memory(), 1);
    }
  }

  private static EncodedState undecoded(String json) {
    return new EncodedState(
        Bytes.of(json.getBytes(StandardCharsets.UTF_8)),
        octets -> {
          throw new AssertionError("decoded outside the VMM's process");
        });
  }

  /**
   * What stock QEMU 7.2 saved of a guest with KVM clock, on an AMD processor, but without the rate
   * of its counter: this machine's may be another one, and may not be able to scale.
   */
  private static MachineState qemuState(Path folder) throws IOException {
    Path stream = Files.write(folder.resolve("stream"), golden("kvm-2cpu.stream"));
    try (Arena arena = Arena.ofConfined()) {
      return withoutRate(
          QemuMigrationFile.read(stream, arena, 1L << 30)
              .translate(
                  "golden",
                  new String(golden("kvm-2cpu.mtree"), StandardCharsets.UTF_8),
                  new String(golden("kvm-2cpu.pci"), StandardCharsets.UTF_8),
                  new String(golden("kvm-2cpu.cpuid"), StandardCharsets.UTF_8),
                  new QemuCaptureInstant(0, 0))
              .state());
    }
  }

  private static MachineState withoutRate(MachineState state) {
    return new MachineState(
        state.version(),
        state.platform(),
        state.memory(),
        state.vcpus(),
        state.pic(),
        state.ioApic(),
        state.pit(),
        state.rtc(),
        state.hpet(),
        state.acpiPm(),
        state.pci(),
        state.virtio(),
        state.isa(),
        new ClockState(
            0,
            state.clock().kvmClockNanos(),
            state.clock().realtimeNanos(),
            state.clock().monotonicNanos()));
  }

  private static byte[] golden(String name) throws IOException {
    Path file = Path.of("../formats/src/test/resources/dev/here/formats/qemu", name + ".gz");
    try (InputStream packed = new GZIPInputStream(Files.newInputStream(file))) {
      return packed.readAllBytes();
    }
  }

  @Test
  void aStateOfQemuIsLoadable(@TempDir Path folder) throws Exception {
    MachineState state = qemuState(folder);
    Path disk = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    try (BareMetalGuest guest = new BareMetalGuest(1)) {
      VmmStandby standby = guest.standby(List.of("--disk", disk + ",readonly"));
      standby.prepare(state.memory(), state.vcpus().size());
      tried(standby, BareMetalGuest.encoded(state));
      standby.validate(BareMetalGuest.encoded(state));
    }
  }

  /** Skips the test where the processor is no match for the one that the state was saved on. */
  private static void tried(VmmStandby standby, EncodedState state) {
    try {
      standby.validate(state);
    } catch (StateRefusedException e) {
      assumeThat(e.getMessage()).doesNotContain("features that this host's KVM has not");
      throw e;
    }
  }
}

package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.control.ControlMessage;
import dev.here.formats.state.MachineStateCodec;
import dev.here.kvm.Kvm;
import dev.here.machine.Bytes;
import dev.here.machine.ClockState;
import dev.here.machine.DebugRegisters;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.Platform;
import dev.here.machine.VcpuState;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a warm machine says of states that come from a primary. */
class MachineControlTest {
  private static final long RAM_BYTES = 2 << 20;

  private Kvm kvm;
  private HostDevices devices;
  private MachineControl control;
  private MachineState good;

  @SuppressWarnings("NullAway.Init")
  MachineControlTest() {}

  @BeforeEach
  void prepare() {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
    kvm = Kvm.open();
    devices = new HostDevices(VmmOptions.idle());
    control = new MachineControl(kvm, devices);
    MemoryMap memory =
        new MemoryMap(RAM_BYTES, List.of(new MemoryRegion("ram", 0, RAM_BYTES, MemoryKind.RAM, 0)));
    Machine machine = control.prepare(memory, List.of(0));
    good =
        PowerOnPlatform.state(
            platform("here-pc"),
            memory,
            List.of(machine.powerOnVcpu(0)),
            List.of(),
            0,
            new ClockState(machine.tscKhz(), 0, 0, 0));
  }

  @AfterEach
  void close() {
    if (control != null) {
      control.close();
      devices.close();
      kvm.close();
    }
  }

  private static Platform platform(String machineType) {
    return new Platform("here-vmm", machineType, "control");
  }

  /** In range and of the same shape, but no processor takes it. */
  private static MachineState untakable(MachineState state) {
    VcpuState vcpu = state.vcpus().getFirst();
    VcpuState changed =
        new VcpuState(
            vcpu.apicId(),
            vcpu.runState(),
            vcpu.general(),
            vcpu.system(),
            vcpu.xsave(),
            vcpu.xcr0(),
            vcpu.msrs(),
            vcpu.lapic(),
            vcpu.events(),
            new DebugRegisters(0, 0, 0, 0, -1, 0x400),
            vcpu.cpuid());
    return new MachineState(
        state.version(),
        state.platform(),
        state.memory(),
        List.of(changed),
        state.pic(),
        state.ioApic(),
        state.pit(),
        state.rtc(),
        state.hpet(),
        state.acpiPm(),
        state.pci(),
        state.virtio(),
        state.isa(),
        state.clock());
  }

  private ControlMessage.Answer validate(long stateId, MachineState state) {
    return validate(stateId, Bytes.of(MachineStateCodec.encode(state)));
  }

  private ControlMessage.Answer validate(long stateId, Bytes state) {
    return control.answer(new ControlMessage.Validate(stateId, state)).message();
  }

  private static void assertRefused(ControlMessage.Answer answer, String part) {
    assertThat(answer)
        .isInstanceOfSatisfying(
            ControlMessage.Failed.class,
            failed -> {
              assertThat(failed.refused()).isTrue();
              assertThat(failed.text()).contains(part);
            });
  }

  private static void assertDone(ControlMessage.Answer answer) {
    assertThat(answer).isInstanceOf(ControlMessage.Done.class);
  }

  @Test
  void theFirstStateIsTriedAndOnlyAGoodOneIsRemembered() {
    assertRefused(validate(1, untakable(good)), "debug registers");
    assertRefused(validate(2, untakable(good)), "debug registers");
    assertDone(validate(3, good));
    assertDone(validate(4, untakable(good)));
  }

  @Test
  void aStateOfAnotherShapeIsTried() {
    assertDone(validate(1, good));
    MachineState other = good.on(platform("here-pc-2"));
    assertRefused(validate(2, untakable(other)), "debug registers");
    assertDone(validate(3, untakable(good)));
    assertDone(validate(4, other));
    assertDone(validate(5, untakable(other)));
  }

  @Test
  void octetsThatAreNoStateAreRefused() {
    assertDone(validate(1, good));
    Bytes bad = Bytes.of(new byte[] {'{', -1, 0});
    assertRefused(validate(2, bad), "machine state");
    assertRefused(
        control.answer(new ControlMessage.Activate(2, Optional.empty())).message(), "state 2");
    assertRefused(
        control.answer(new ControlMessage.Activate(0, Optional.of(bad))).message(),
        "machine state");
    assertDone(validate(3, good));
  }

  @Test
  void aStateOfOtherMemoryIsRefused() {
    MemoryMap memory =
        new MemoryMap(
            RAM_BYTES / 2, List.of(new MemoryRegion("ram", 0, RAM_BYTES / 2, MemoryKind.RAM, 0)));
    MachineState other =
        PowerOnPlatform.state(good.platform(), memory, good.vcpus(), List.of(), 0, good.clock());
    assertRefused(validate(1, other), "octets of memory");
  }
}

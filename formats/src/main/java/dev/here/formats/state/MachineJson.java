package dev.here.formats.state;

import dev.here.machine.ClockState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.Platform;
import dev.here.machine.PlatformOrigin;

/** The machine as a whole, its platform, memory and clocks. */
final class MachineJson {
  private static final MemoryKind[] MEMORY_KINDS = MemoryKind.values();

  static final RecordJson<MachineState> MACHINE =
      new RecordJson<>() {
        @Override
        public void write(MachineState state, StateWriter out) {
          out.int32("version", state.version());
          out.object("platform", state.platform(), PLATFORM);
          out.object("memory", state.memory(), MEMORY);
          out.list("vcpus", state.vcpus(), VcpuJson.VCPU);
          out.object("pic", state.pic(), ChipsetJson.PIC);
          out.object("ioApic", state.ioApic(), ChipsetJson.IO_APIC);
          out.object("pit", state.pit(), ChipsetJson.PIT);
          out.object("rtc", state.rtc(), ChipsetJson.RTC);
          out.optional("hpet", state.hpet(), ChipsetJson.HPET);
          out.optional("acpiPm", state.acpiPm(), ChipsetJson.ACPI_PM);
          out.object("pci", state.pci(), PciJson.PCI);
          out.list("virtio", state.virtio(), VirtioJson.DEVICE);
          out.object("isa", state.isa(), IsaJson.ISA);
          out.object("clock", state.clock(), CLOCK);
        }

        @Override
        public MachineState read(StateReader in) {
          return new MachineState(
              in.int32("version"),
              in.object("platform", PLATFORM),
              in.object("memory", MEMORY),
              in.list("vcpus", VcpuJson.VCPU),
              in.object("pic", ChipsetJson.PIC),
              in.object("ioApic", ChipsetJson.IO_APIC),
              in.object("pit", ChipsetJson.PIT),
              in.object("rtc", ChipsetJson.RTC),
              in.optional("hpet", ChipsetJson.HPET),
              in.optional("acpiPm", ChipsetJson.ACPI_PM),
              in.object("pci", PciJson.PCI),
              in.list("virtio", VirtioJson.DEVICE),
              in.object("isa", IsaJson.ISA),
              in.object("clock", CLOCK));
        }
      };

  private static final RecordJson<Platform> PLATFORM =
      new RecordJson<>() {
        @Override
        public void write(Platform platform, StateWriter out) {
          out.text("hypervisor", platform.hypervisor());
          out.text("machineType", platform.machineType());
          out.text("vmName", platform.vmName());
          out.optional("origin", platform.origin(), ORIGIN);
        }

        @Override
        public Platform read(StateReader in) {
          return new Platform(
              in.text("hypervisor"),
              in.text("machineType"),
              in.text("vmName"),
              in.optional("origin", ORIGIN));
        }
      };

  private static final RecordJson<PlatformOrigin> ORIGIN =
      new RecordJson<>() {
        @Override
        public void write(PlatformOrigin origin, StateWriter out) {
          out.text("form", origin.form());
          out.int32("version", origin.version());
          out.octets("data", origin.data());
        }

        @Override
        public PlatformOrigin read(StateReader in) {
          return new PlatformOrigin(in.text("form"), in.int32("version"), in.octets("data"));
        }
      };

  private static final RecordJson<MemoryMap> MEMORY =
      new RecordJson<>() {
        @Override
        public void write(MemoryMap memory, StateWriter out) {
          out.int64("backingSizeBytes", memory.backingSizeBytes());
          out.list("regions", memory.regions(), REGION);
        }

        @Override
        public MemoryMap read(StateReader in) {
          return new MemoryMap(in.int64("backingSizeBytes"), in.list("regions", REGION));
        }
      };

  private static final RecordJson<MemoryRegion> REGION =
      new RecordJson<>() {
        @Override
        public void write(MemoryRegion region, StateWriter out) {
          out.text("name", region.name());
          out.int64("gpa", region.gpa());
          out.int64("sizeBytes", region.sizeBytes());
          out.constant("kind", region.kind());
          out.int64("backingOffset", region.backingOffset());
        }

        @Override
        public MemoryRegion read(StateReader in) {
          return new MemoryRegion(
              in.text("name"),
              in.int64("gpa"),
              in.int64("sizeBytes"),
              in.constant("kind", MEMORY_KINDS),
              in.int64("backingOffset"));
        }
      };

  private static final RecordJson<ClockState> CLOCK =
      new RecordJson<>() {
        @Override
        public void write(ClockState clock, StateWriter out) {
          out.int64("tscKhz", clock.tscKhz());
          out.int64("kvmClockNanos", clock.kvmClockNanos());
          out.int64("realtimeNanos", clock.realtimeNanos());
          out.int64("monotonicNanos", clock.monotonicNanos());
        }

        @Override
        public ClockState read(StateReader in) {
          return new ClockState(
              in.int64("tscKhz"),
              in.int64("kvmClockNanos"),
              in.int64("realtimeNanos"),
              in.int64("monotonicNanos"));
        }
      };

  private MachineJson() {}
}

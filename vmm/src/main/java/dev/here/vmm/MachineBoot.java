package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.ClockState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PciAddress;
import dev.here.machine.Platform;
import dev.here.machine.RunState;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Boots an image: makes the state of a machine at power-on whose first vCPU stands at the image's
 * entry, and continues that. Which protocol is used depends on the image: Linux's for a bzImage,
 * PVH for an ELF file with its note, else Multiboot.
 */
final class MachineBoot {
  private static final long MIB = 1 << 20;
  private static final long LOW_RAM_END_GPA = 0xc0000000L;
  private static final long FOUR_GIB = 1L << 32;
  private static final int FIRST_VIRTIO_SLOT = 2;
  private static final int SECTOR_BYTES = 512;

  private final VmmOptions options;
  private final VmmOptions.Boot boot;

  MachineBoot(VmmOptions options, VmmOptions.Boot boot) {
    this.options = options;
    this.boot = boot;
  }

  /**
   * Boots; the guest runs when this returns.
   *
   * @throws BootException when the image cannot be booted
   */
  void start(MachineControl control) {
    List<Integer> apicIds = IntStream.range(0, options.vcpus()).boxed().toList();
    Machine machine = control.prepare(memoryMap(options.memoryMib() * MIB), apicIds);
    BootEntry entry = load(machine.memory());
    List<VcpuState> vcpus = new ArrayList<>();
    for (int at = 0; at < apicIds.size(); at++) {
      VcpuState reset = machine.powerOnVcpu(at);
      vcpus.add(at == 0 ? entering(reset, entry) : reset);
    }
    MachineState state =
        PowerOnPlatform.state(
            new Platform("here-vmm-0.1.0", "here-pc", boot.kernel().getFileName().toString()),
            machine.memory().map(),
            vcpus,
            virtio(),
            Instant.now().getEpochSecond(),
            new ClockState(machine.tscKhz(), 0, 0, 0));
    PowerOnPlatform.writeTables(machine.memory(), state);
    control.restore(state);
    machine.resume();
  }

  private static MemoryMap memoryMap(long ramBytes) {
    long lowBytes = Math.min(ramBytes, LOW_RAM_END_GPA);
    List<MemoryRegion> regions = new ArrayList<>();
    regions.add(new MemoryRegion("ram", 0, lowBytes, MemoryKind.RAM, 0));
    if (ramBytes > lowBytes) {
      regions.add(
          new MemoryRegion(
              "ram above 4 GiB", FOUR_GIB, ramBytes - lowBytes, MemoryKind.RAM, lowBytes));
    }
    return new MemoryMap(ramBytes, regions);
  }

  private BootEntry load(GuestMemory memory) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = map(boot.kernel(), arena);
      Optional<MemorySegment> initrd = boot.initrd().map(file -> map(file, arena));
      if (LinuxBoot.recognises(image)) {
        return LinuxBoot.load(memory, image, initrd, boot.commandLine(), AcpiTables.RSDP_GPA);
      }
      if (PvhBoot.recognises(image)) {
        return PvhBoot.load(memory, image, initrd, boot.commandLine(), AcpiTables.RSDP_GPA);
      }
      if (MultibootBoot.recognises(image)) {
        return MultibootBoot.load(memory, image, initrd, boot.commandLine());
      }
      throw new BootException(
          boot.kernel()
              + " is neither a bzImage nor an ELF image with a PVH entry nor a multiboot image");
    }
  }

  private static MemorySegment map(Path file, Arena arena) {
    try (FileChannel channel = FileChannel.open(file)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new BootException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static VcpuState entering(VcpuState reset, BootEntry entry) {
    SystemRegisters s = entry.system();
    return new VcpuState(
        reset.apicId(),
        RunState.RUNNABLE,
        entry.general(),
        new SystemRegisters(
            s.cs(),
            s.ds(),
            s.es(),
            s.fs(),
            s.gs(),
            s.ss(),
            s.tr(),
            s.ldt(),
            s.gdt(),
            s.idt(),
            s.cr0(),
            s.cr2(),
            s.cr3(),
            s.cr4(),
            s.cr8(),
            s.efer(),
            reset.system().apicBase()),
        reset.xsave(),
        reset.xcr0(),
        reset.msrs(),
        reset.lapic(),
        reset.events(),
        reset.debug(),
        reset.cpuid());
  }

  /** Disks first, then networks, then an entropy source, each in a slot of its own. */
  private List<VirtioPowerOn> virtio() {
    List<VirtioPowerOn> devices = new ArrayList<>();
    for (VmmOptions.Disk disk : options.disks()) {
      try (RawDisk opened = RawDisk.open(disk.path(), disk.readOnly())) {
        devices.add(
            VirtioPowerOn.block(slot(devices), opened.sizeBytes() / SECTOR_BYTES, disk.readOnly()));
      }
    }
    for (VmmOptions.Nic nic : options.nics()) {
      devices.add(VirtioPowerOn.network(slot(devices), mac(nic, devices.size()), nic.queues()));
    }
    devices.add(VirtioPowerOn.rng(slot(devices)));
    return devices;
  }

  private static PciAddress slot(List<VirtioPowerOn> before) {
    return new PciAddress(0, FIRST_VIRTIO_SLOT + before.size(), 0);
  }

  private static Bytes mac(VmmOptions.Nic nic, int number) {
    String text = nic.mac().orElse("52:54:00:48:45:%02x".formatted(number));
    try {
      byte[] octets = HexFormat.ofDelimiter(":").parseHex(text);
      if (octets.length == 6) {
        return Bytes.of(octets);
      }
    } catch (IllegalArgumentException e) {
      throw new VmmException("MAC address " + text + " is not six octets in hexadecimal", e);
    }
    throw new VmmException("MAC address " + text + " is not six octets in hexadecimal");
  }
}

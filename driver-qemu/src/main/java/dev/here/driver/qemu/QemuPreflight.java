package dev.here.driver.qemu;

import dev.here.hypervisor.UnprotectableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decides from an inventory whether HERE can carry the guest. The device list is a whitelist: what
 * HERE's own machine does not wear is refused by name, with what to do about it. Nothing is
 * touched.
 */
public final class QemuPreflight {
  private static final int MAX_VCPUS = 8;

  /** What HERE's own VMM has. */
  private static final int MAX_QUEUE_PAIRS = 8;

  private static final Path VHOST_ZERO_COPY =
      Path.of("/sys/module/vhost_net/parameters/experimental_zcopytx");

  /** Machine types that a test ran. */
  private static final Set<String> MACHINES = Set.of("pc-i440fx-7.2");

  /** Device types that HERE's machine wears; kvm- variants are the in-kernel twins. */
  private static final Set<String> WORN =
      Set.of(
          "ps2-mouse",
          "ps2-kbd",
          "hpet",
          "ioapic",
          "kvm-ioapic",
          "i440FX-pcihost",
          "i440FX",
          "PIIX3",
          "PIIX4_PM",
          "smbus-eeprom",
          "piix3-ide",
          "ide-cd",
          "VGA",
          "virtio-net-pci",
          "virtio-net-device",
          "virtio-blk-pci",
          "virtio-blk-device",
          "virtio-rng-pci",
          "virtio-rng-device",
          "port92",
          "vmmouse",
          "vmport",
          "i8042",
          "isa-fdc",
          "floppy",
          "isa-parallel",
          "isa-serial",
          "isa-pcspk",
          "isa-pit",
          "kvm-pit",
          "mc146818rtc",
          "isa-i8259",
          "kvm-i8259",
          "i8257",
          "fw_cfg_io",
          "kvmvapic",
          "kvmclock",
          "isa-debug-exit",
          "virtio-pci-bus",
          // Of a device model of Xen: nothing that a guest without Xen's drivers sees.
          "PIIX3-xen",
          "xen-sysdev",
          "xen-backend",
          "xen-bridge");

  /** Suffixes that tell variants of virtio's PCI devices apart; they are worn all the same. */
  private static final List<String> VIRTIO_VARIANTS = List.of("-transitional", "-non-transitional");

  private static final Map<String, String> REMEDIES =
      Map.ofEntries(
          Map.entry("e1000", "use model=virtio-net-pci for the card"),
          Map.entry("rtl8139", "use model=virtio-net-pci for the card"),
          Map.entry("ide-hd", "attach the disk by if=virtio"),
          Map.entry("virtio-balloon-pci", "start QEMU without the balloon device"),
          Map.entry("usb-tablet", "start QEMU without USB devices"),
          Map.entry("qxl-vga", "use -vga std or -vga none"),
          Map.entry("cirrus-vga", "use -vga std or -vga none"),
          Map.entry("virtio-vga", "use -vga std or -vga none"),
          Map.entry("vmware-svga", "use -vga std or -vga none"),
          Map.entry("vfio-pci", "a passed-through device cannot move to another host: remove it"));

  /** Virtio properties that change the layout of the device's state. */
  private static final Map<String, String> VIRTIO_SETTINGS =
      Map.of(
          "packed", "packed=off",
          "iommu_platform", "iommu_platform=off",
          "ats", "ats=off",
          "page-per-vq", "page-per-vq=off",
          "rss", "rss=off",
          "failover", "failover=off",
          "modern-pio-notify", "modern-pio-notify=off");

  private static final Set<String> FOREIGN_CAPABILITIES =
      Set.of(
          "xbzrle",
          "compress",
          "multifd",
          "postcopy-ram",
          "rdma-pin-all",
          "block",
          "background-snapshot",
          "dirty-bitmaps",
          "zero-copy-send",
          "x-ignore-shared");

  private final QemuInventory inventory;
  private final List<String> reasons = new ArrayList<>();

  private QemuPreflight(QemuInventory inventory) {
    this.inventory = inventory;
  }

  /** All reasons why this guest cannot be protected by COLO, a line each; empty when it can. */
  public static List<String> reasons(QemuInventory inventory) {
    var preflight = new QemuPreflight(inventory);
    preflight.checkHypervisor();
    preflight.checkMachine();
    preflight.checkDevices();
    preflight.checkDisks();
    preflight.checkNetwork();
    preflight.checkMigration();
    return List.copyOf(preflight.reasons);
  }

  /**
   * What stands in the way among the devices, disks and networks of a device model of Xen, a line
   * each.
   */
  public static List<String> reasonsOfDevices(QemuInventory inventory) {
    var preflight = new QemuPreflight(inventory);
    preflight.checkDevices();
    preflight.checkDisks();
    preflight.checkNetwork();
    return List.copyOf(preflight.reasons);
  }

  /**
   * Refuses a guest that cannot be protected.
   *
   * @throws UnprotectableException with all reasons
   */
  public static void require(QemuInventory inventory) {
    List<String> reasons = reasons(inventory);
    if (!reasons.isEmpty()) {
      throw new UnprotectableException(reasons);
    }
  }

  private void refuse(String what, String remedy) {
    reasons.add(what + ": " + remedy);
  }

  private void checkHypervisor() {
    QemuVersion version = inventory.version();
    if (version.major() != 7 || version.minor() != 2) {
      refuse("%s has not been tested".formatted(version.name()), "run the guest on QEMU 7.2");
    }
    if (!inventory.accelerator().equals("kvm")) {
      refuse(
          "QEMU emulates the CPU (TCG), where COLO hangs stock QEMU after its first checkpoint",
          "start it with -accel kvm");
    }
    if (!inventory.status().equals("running")) {
      refuse(
          "the guest does not run (QEMU's state is %s)".formatted(inventory.status()),
          "let it go on (QMP cont) and protect it then");
    }
  }

  private void checkMachine() {
    if (!MACHINES.contains(inventory.machineType())) {
      refuse(
          "machine type %s has not been tested".formatted(inventory.machineType()),
          "start QEMU with -machine pc-i440fx-7.2");
    }
    if (inventory.vcpus().size() > MAX_VCPUS) {
      refuse(
          "the guest has %d vCPUs".formatted(inventory.vcpus().size()),
          "give it at most %d (-smp)".formatted(MAX_VCPUS));
    }
    if (inventory.pluggedMemoryDevices() > 0) {
      refuse("memory is plugged as devices (DIMM or NVDIMM)", "give all memory by -m");
    }
    if (inventory.confidential()) {
      refuse(
          "the guest's memory is encrypted against the host",
          "start QEMU without confidential-guest-support");
    }
    for (String cpu : inventory.process().commandLine().values("cpu")) {
      for (String option : QemuCommandLine.suboptions(cpu, "model").keySet()) {
        if (option.startsWith("hv-") || option.startsWith("hv_")) {
          refuse("Hyper-V enlightenment %s is on".formatted(option), "leave it out of -cpu");
        }
      }
    }
  }

  private void checkDevices() {
    for (QtreeDevice device : inventory.devices()) {
      String type = withoutVariant(device.type());
      if (!WORN.contains(type)) {
        refuse(
            "device %s cannot be carried".formatted(device.label()),
            REMEDIES.getOrDefault(type, "start QEMU without it"));
      } else if (type.startsWith("virtio-")) {
        checkVirtio(device);
      }
    }
    long serials = inventory.devices().stream().filter(d -> d.type().equals("isa-serial")).count();
    if (serials > 1) {
      refuse("the guest has %d serial ports".formatted(serials), "give it at most one");
    }
  }

  private static String withoutVariant(String type) {
    for (String variant : VIRTIO_VARIANTS) {
      if (type.startsWith("virtio-") && type.endsWith(variant)) {
        return type.substring(0, type.length() - variant.length());
      }
    }
    return type;
  }

  private void checkVirtio(QtreeDevice device) {
    VIRTIO_SETTINGS.forEach((property, remedy) -> {
      if (device.isOn(property)) {
        refuse("%s has %s on".formatted(device.label(), property), "set " + remedy);
      }
    });
  }

  private void checkDisks() {
    for (QemuDisk disk : inventory.disks()) {
      String label = "drive %s (%s)".formatted(disk.drive(), disk.file());
      if (disk.removable()) {
        refuse(label + " holds a removable medium", "eject it (QMP eject)");
      } else if (disk.writable() && !disk.shared()) {
        refuse(
            label + " is writable and not shared, and disks are not replicated yet",
            "attach it with readonly=on, or, if both hosts reach it, with share-rw=on");
      } else if (!disk.device().startsWith("virtio-blk")) {
        refuse("%s is attached by %s".formatted(label, disk.device()), "attach it by if=virtio");
      }
    }
  }

  private void checkNetwork() {
    if (inventory.network().hubs()) {
      refuse("the network uses emulated hubs (-net)", "use -nic or -netdev with -device");
      return;
    }
    if (inventory.vhostInUse() && isOn(VHOST_ZERO_COPY)) {
      refuse(
          "vhost sends the guest's frames without copying them (experimental_zcopytx), so held ones keep its memory and stop it",
          "load vhost_net with experimental_zcopytx=0");
    }
    for (QemuNic nic : inventory.nics()) {
      checkSendBuffer(nic.netdev());
      if (nic.port().isEmpty()) {
        refuse(
            "the frames of %s (%s) do not leave by a TAP of this host but by %s"
                .formatted(nic.device(), nic.mac(), nic.backend()),
            "give the card a TAP in a bridge");
      }
      if (nic.queues() > MAX_QUEUE_PAIRS) {
        refuse(
            "back end %s has %d queue pairs".formatted(nic.netdev(), nic.queues()),
            "set queues=%d at most".formatted(MAX_QUEUE_PAIRS));
      }
      inventory.network().backend(nic.netdev()).ifPresent(backend -> checkFilters(nic, backend));
    }
  }

  /** A held frame counts against the TAP's buffer: one that is full stops the guest's card. */
  private void checkSendBuffer(String netdev) {
    inventory
        .process()
        .commandLine()
        .backEndOption(netdev, "sndbuf")
        .filter(size -> !size.equals("0"))
        .ifPresent(size ->
            refuse(
                "back end %s has a send buffer of %s octets, which held frames would fill"
                    .formatted(netdev, size),
                "leave sndbuf out, or set sndbuf=0 (libvirt: remove <tune><sndbuf>)"));
  }

  private static boolean isOn(Path parameter) {
    try {
      return !Files.readString(parameter).strip().equals("0");
    } catch (IOException e) {
      // The module is not loaded, or does not know the parameter.
      return false;
    }
  }

  /** A filter in QEMU may keep or divert frames, which then belong to no epoch. */
  private void checkFilters(QemuNic nic, NetworkText.Backend backend) {
    for (String filter : backend.filters()) {
      refuse("filter %s is on %s".formatted(filter, nic.netdev()), "remove it (QMP object-del)");
    }
  }

  private void checkMigration() {
    for (String blocker : inventory.migrationBlockers()) {
      refuse("QEMU cannot migrate", blocker);
    }
    if (!inventory.coloKnown()) {
      refuse("this QEMU was built without COLO", "use the distribution's own build");
    }
    if (Set.of("setup", "active", "colo", "cancelling", "pre-switchover", "device", "wait-unplug")
        .contains(inventory.migrationStatus())) {
      refuse(
          "a migration is under way (%s)".formatted(inventory.migrationStatus()),
          "wait for its end or cancel it (QMP migrate_cancel)");
    }
    for (String capability : inventory.capabilities()) {
      if (FOREIGN_CAPABILITIES.contains(capability)) {
        refuse(
            "migration capability %s is on".formatted(capability),
            "switch it off (QMP migrate-set-capabilities)");
      }
    }
  }
}

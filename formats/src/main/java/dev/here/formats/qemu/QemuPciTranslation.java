package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.MsixEntry;
import dev.here.machine.MsixState;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.PciState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The PCI bus: configuration spaces, interrupt lines and MSI-X tables. Sections are named after
 * domain, bus, device and function.
 */
final class QemuPciTranslation {
  private static final Pattern SECTION =
      Pattern.compile("0000:([0-9a-f]{2}):([0-9a-f]{2})\\.([0-7])/(.+)");

  private final VmState state;
  private final QemuGuestFacts facts;
  private final KeptParts kept;

  QemuPciTranslation(VmState state, QemuGuestFacts facts, KeptParts kept) {
    this.state = state;
    this.facts = facts;
    this.kept = kept;
  }

  /** The PCI address of a section's name, if it is one of a PCI function. */
  static Optional<PciAddress> address(String section) {
    Matcher name = SECTION.matcher(section);
    if (!name.matches()) {
      return Optional.empty();
    }
    int device = Integer.parseInt(name.group(2), 16);
    if (device > 31) {
      throw new QemuStreamException(
          -1, "section '" + RamPages.printable(section) + "' names no PCI device");
    }
    return Optional.of(
        new PciAddress(
            Integer.parseInt(name.group(1), 16), device, Integer.parseInt(name.group(3))));
  }

  PciState pci() {
    var functions = new ArrayList<PciFunction>();
    for (VmState.Section section : state.sections()) {
      address(section.name())
          .ifPresent(address ->
              functions.add(kept.function(section, content -> function(address, content))));
    }
    functions.sort(
        Comparator.comparingInt(function ->
            function.address().bus() << 8
                | function.address().device() << 3
                | function.address().function()));
    VmStruct bridge = state.require("0000:00:01.0/PIIX3", 0);
    int reset = bridge.subsection("PIIX3/rcr").map(rcr -> rcr.number("rcr", 0, 255)).orElse(0);
    return new PciState(state.require("PCIHost", 0).number("config_reg"), functions, reset);
  }

  private PciFunction function(PciAddress address, VmStruct section) {
    PciRole role = role(section);
    VmStruct part =
        role == PciRole.VIRTIO
            ? section.struct("virtio")
            : section.struct(section.has("dev") ? "dev" : "parent_obj");
    byte[] config = part.octets(role == PciRole.VIRTIO ? "config" : "config[0]", 256);
    long[] lines = part.numbers("irq_state", 4);
    int level = 0;
    for (int i = 0; i < 4; i++) {
      level |= lines[i] != 0 ? 1 << i : 0;
    }
    return new PciFunction(
        address, role, Bytes.of(config), bars(address, config), msix(part, role), level);
  }

  private static PciRole role(VmStruct section) {
    return switch (section.vmsdName()) {
      case "I440FX" -> PciRole.HOST_BRIDGE;
      case "PIIX3" -> PciRole.ISA_BRIDGE;
      case "ide" -> PciRole.IDE;
      case "piix4_pm" -> PciRole.ACPI_PM;
      case "vga" -> PciRole.VGA;
      case "virtio-net", "virtio-blk", "virtio-rng" -> PciRole.VIRTIO;
      default ->
          throw new QemuStreamException(
              -1,
              "the PCI device of section '"
                  + section.path()
                  + "' can't be carried: remove it from the guest");
    };
  }

  private List<PciBar> bars(PciAddress address, byte[] config) {
    List<PciBar> bars =
        facts.function(address).map(QemuGuestFacts.Function::bars).orElse(List.of());
    for (int i = 0; i < 6; i++) {
      int index = i;
      boolean known =
          bars.stream()
              .anyMatch(bar -> bar.index() == index || bar.wide() && bar.index() == index - 1);
      if (QemuPciConfig.u32(config, 0x10 + 4 * i) != 0 && !known) {
        throw new QemuStreamException(
            -1,
            "PCI function " + address + " has a base address register " + i + " of no known size");
      }
    }
    return bars;
  }

  private static Optional<MsixState> msix(VmStruct part, PciRole role) {
    if (role != PciRole.VIRTIO || part.number("msix_entries") == 0) {
      return Optional.empty();
    }
    Bytes table = Bytes.of(part.octets("msix_table"));
    var entries = new ArrayList<MsixEntry>();
    for (int at = 0; at < table.length(); at += 16) {
      entries.add(
          new MsixEntry(table.u64(at), (int) table.u32(at + 8), (table.u32(at + 12) & 1) != 0));
    }
    int capability =
        VirtioSectionReader.capability(part.octets("config"), VirtioSectionReader.CAPABILITY_MSIX);
    return Optional.of(new MsixState(capability, entries, Bytes.of(part.octets("msix_pba"))));
  }
}

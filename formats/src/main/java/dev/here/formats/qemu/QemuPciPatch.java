package dev.here.formats.qemu;

import dev.here.machine.MsixEntry;
import dev.here.machine.PciAddress;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.PciState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** The PCI bus of a device model's state: configuration spaces, interrupt lines, MSI-X tables. */
final class QemuPciPatch {
  private static final int PINS = 4;
  private static final int MSIX_ENTRY_BYTES = 16;

  private final VmState state;
  private final PciState pci;

  QemuPciPatch(VmState state, PciState pci) {
    this.state = state;
    this.pci = pci;
  }

  void apply() {
    state.require("PCIHost", 0).set("config_reg", pci.configAddress());
    for (PciFunction function : pci.functions()) {
      patch(function, section(state, function.address()));
    }
    lines();
    VmStruct bridge = state.require("0000:00:01.0/PIIX3", 0);
    bridge.drop("PIIX3/rcr");
    if (pci.resetControl() != 0) {
      var reset = new VmStruct(bridge.place().then("PIIX3/rcr"), "PIIX3/rcr");
      reset.put("rcr", pci.resetControl());
      bridge.put(reset, "PIIX3/rcr");
    }
  }

  /** The section of the PCI function at an address. */
  static VmStruct section(VmState state, PciAddress address) {
    for (VmState.Section section : state.sections()) {
      if (QemuPciTranslation.address(section.name()).equals(Optional.of(address))) {
        return section.content();
      }
    }
    throw new QemuStreamException(
        -1, "the guest has a PCI function at %s, the device model none".formatted(address));
  }

  private static void patch(PciFunction function, VmStruct section) {
    boolean virtio = function.role() == PciRole.VIRTIO;
    if (virtio != section.vmsdName().startsWith("virtio-")) {
      throw new QemuStreamException(
          -1,
          "the PCI function at %s is %s, the device model's is %s"
              .formatted(function.address(), function.role(), section.vmsdName()));
    }
    VmStruct part =
        virtio
            ? section.struct("virtio")
            : section.struct(section.has("dev") ? "dev" : "parent_obj");
    part.setOctets(virtio ? "config" : "config[0]", function.config().toArray());
    long[] levels = new long[PINS];
    for (int pin = 0; pin < PINS; pin++) {
      levels[pin] = function.intxLevel() >> pin & 1;
    }
    part.set("irq_state", new VmValue.Scalars(levels));
    if (virtio) {
      msix(function, part);
    }
  }

  private static void msix(PciFunction function, VmStruct part) {
    int entries = function.msix().map(msix -> msix.entries().size()).orElse(0);
    if (part.number("msix_entries") != entries) {
      throw new QemuStreamException(
          -1,
          "%s has %d MSI-X entries, the device model's %d"
              .formatted(function.address(), entries, part.number("msix_entries")));
    }
    function
        .msix()
        .ifPresent(msix -> {
          ByteBuffer table =
              ByteBuffer.allocate(entries * MSIX_ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
          for (MsixEntry entry : msix.entries()) {
            table.putLong(entry.address()).putInt(entry.data()).putInt(entry.masked() ? 1 : 0);
          }
          part.set("msix_table", new VmValue.Octets(table.array()));
          byte[] pending = msix.pending().toArray();
          int length = (entries + 7) / 8;
          if (pending.length < length) {
            throw new QemuStreamException(
                -1,
                "%s has %d octets of pending MSI-X, %d are due"
                    .formatted(function.address(), pending.length, length));
          }
          part.set("msix_pba", new VmValue.Octets(Arrays.copyOf(pending, length)));
        });
  }

  /** How many assert each interrupt of the bus; under Xen each slot's pin has one of its own. */
  private void lines() {
    VmStruct bus = state.require("PCIBUS", 0);
    long[] counts = new long[bus.numbers("irq_count").length];
    for (PciFunction function : pci.functions()) {
      for (int pin = 0; pin < PINS; pin++) {
        int line = function.address().device() * PINS + pin;
        if ((function.intxLevel() >> pin & 1) != 0 && line < counts.length) {
          counts[line]++;
        }
      }
    }
    bus.set("irq_count", new VmValue.Scalars(counts));
    long[] levels = new long[PINS];
    for (int line = 0; line < PINS; line++) {
      levels[line] = counts[line] != 0 ? 1 : 0;
    }
    state
        .require("0000:00:01.0/PIIX3", 0)
        .set("pci_irq_levels_vmstate", new VmValue.Scalars(levels));
  }
}

package dev.here.formats.qemu;

import dev.here.formats.qemu.VmStateSchema.Layout;
import java.util.List;

/** Writes what {@link VirtioSectionReader} read, in the same order and widths. */
final class VirtioSectionWriter {
  private static final long PCI_VERSION = 2;

  private final StateOutput out;
  private final VmStateWriter writer;

  VirtioSectionWriter(StateOutput out, VmStateWriter writer) {
    this.out = out;
    this.writer = writer;
  }

  /**
   * Writes a device.
   *
   * @param kind QEMU's name of the section's structure, {@code virtio-net} for example
   */
  void write(String kind, VmStruct device) {
    pci(device);
    common(device);
    switch (kind) {
      case "virtio-net" -> net(device.struct("net"));
      case "virtio-blk" -> block(device);
      default -> {}
    }
    writer.subsections(new Layout("virtio", 1, List.of(), List.of()), device);
  }

  private void pci(VmStruct device) {
    out.u32(PCI_VERSION);
    out.octets(device.octets("config", 256));
    for (long line : device.numbers("irq_state", 4)) {
      out.u32(line);
    }
    if (device.number("msix_entries") > 0) {
      out.octets(device.octets("msix_table"));
      out.octets(device.octets("msix_pba"));
      out.number(device.number("config_vector"), 2);
    }
  }

  private void common(VmStruct device) {
    out.u8(device.number("status"));
    out.u8(device.number("isr"));
    out.number(device.number("queue_sel"), 2);
    out.u32(device.number("guest_features_lo"));
    byte[] config = device.octets("device_config");
    out.u32(config.length);
    out.octets(config);
    List<VmStruct> queues = device.structs("queues");
    out.u32(queues.size());
    for (VmStruct queue : queues) {
      out.u32(queue.number("num"));
      out.number(queue.number("desc"), 8);
      out.number(queue.number("last_avail_idx"), 2);
      if (queue.has("vector")) {
        out.number(queue.number("vector"), 2);
      }
    }
  }

  private void net(VmStruct net) {
    out.octets(net.octets("mac", 6));
    out.u32(net.number("tx_waiting"));
    out.u32(net.number("mergeable_rx_bufs"));
    out.number(net.number("status"), 2);
    out.u8(net.number("promisc"));
    out.u8(net.number("allmulti"));
    out.u32(net.number("mac_table.in_use"));
    out.octets(net.octets("mac_table.macs"));
    out.octets(net.octets("vlans", 512));
    out.u32(net.number("has_vnet_hdr"));
    for (String flag : VirtioSectionReader.NET_FLAGS) {
      out.u8(net.number(flag));
    }
    if (net.number("max_queue_pairs") > 1) {
      out.number(net.number("max_queue_pairs"), 2);
      out.number(net.number("curr_queue_pairs"), 2);
      for (long waiting : net.numbers("tx_waiting_others")) {
        out.u32(waiting);
      }
    }
    if (net.has("curr_guest_offloads")) {
      out.number(net.number("curr_guest_offloads"), 8);
    }
  }

  private void block(VmStruct device) {
    boolean several = device.structs("queues").size() > 1;
    for (VmStruct request : device.structs("requests")) {
      out.u8(1);
      if (several) {
        out.u32(request.number("queue"));
      }
      out.octets(request.octets("element", VirtioSectionReader.ELEMENT_BYTES));
    }
    out.u8(0);
  }
}

package dev.here.formats.qemu;

import dev.here.formats.qemu.VmStateSchema.Layout;
import dev.here.machine.VirtioNetState;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the section of a virtio device on PCI, which QEMU's description leaves opaque
 * (docs/specs/qemu-vmstate.md, "virtio sections"). Order and widths: virtio_save in
 * hw/virtio/virtio.c, the PCI part in hw/virtio/virtio-pci.c and hw/pci, each device's own part in
 * its file, all of QEMU 7.2.
 */
final class VirtioSectionReader {
  static final int MAX_QUEUES = 1024;
  private static final int MAX_CONFIG_BYTES = 4096;
  private static final int MAX_MAC_ENTRIES = 64;
  private static final int MAX_IN_FLIGHT = 65_536;

  /** VirtQueueElement as written to the stream: counts, then two address and two iovec tables. */
  static final int ELEMENT_HEAD_BYTES = 16;

  /** Room in each of its tables. */
  static final int ELEMENT_PARTS = 1024;

  static final int ELEMENT_BYTES = ELEMENT_HEAD_BYTES + ELEMENT_PARTS * (8 + 8 + 16 + 16);

  /** Octets of a network device that are flags, in their order. */
  static final List<String> NET_FLAGS =
      List.of(
          "mac_table.multi_overflow",
          "mac_table.uni_overflow",
          "alluni",
          "nomulti",
          "nouni",
          "nobcast",
          "has_ufo");

  static final int CAPABILITY_MSIX = 0x11;
  private static final long FEATURE_CTRL_GUEST_OFFLOADS = 1L << 2;

  private final StateCursor in;
  private final VmStateReader reader;

  VirtioSectionReader(StateCursor in, VmStateReader reader) {
    this.in = in;
    this.reader = reader;
  }

  /** Reads the device of a section; {@code section} is named after its kind. */
  VmStruct read(VmStruct section) {
    var device = new VmStruct(section.place().then("virtio"), "virtio");
    pci(device);
    common(device);
    queues(device);
    switch (section.vmsdName()) {
      case "virtio-net" -> net(device);
      case "virtio-blk" -> block(device);
      case "virtio-rng" -> {}
      default ->
          throw in.refused(
              section.path()
                  + " is a virtio device of a kind that can't be carried (network, block and"
                  + " entropy devices can): remove it from the guest");
    }
    Layout subsections = new Layout("virtio", 1, List.of(), List.of());
    VmStruct optional = reader.structure(subsections, device.place());
    optional.subsections().forEach((name, part) -> device.put(part, name));
    return device;
  }

  private void pci(VmStruct device) {
    VmPath path = device.place().then("pci");
    long version = in.signed(4, path);
    if (version != 2) {
      throw in.refused(path + " has version " + version + ", version 2 is known");
    }
    byte[] config = in.octets(256, path);
    device.put("config", new VmValue.Octets(config));
    long[] lines = new long[4];
    for (int i = 0; i < lines.length; i++) {
      lines[i] = in.u32(path);
    }
    device.put("irq_state", new VmValue.Scalars(lines));
    int entries = msixEntries(config);
    device.put("msix_entries", entries);
    if (entries > 0) {
      device.put("msix_table", new VmValue.Octets(in.octets(entries * 16, path)));
      device.put("msix_pba", new VmValue.Octets(in.octets((entries + 7) / 8, path)));
      device.put("config_vector", in.u16(path));
    }
  }

  /** Size of the MSI-X table that a configuration space announces; 0 without one. */
  private static int msixEntries(byte[] config) {
    int at = capability(config, CAPABILITY_MSIX);
    return at == 0 ? 0 : (QemuPciConfig.u16(config, at + 2) & 0x7ff) + 1;
  }

  /** Where a PCI capability lies in a configuration space; 0 if it is not there. */
  static int capability(byte[] config, int id) {
    int at = (config[6] & 0x10) != 0 ? config[0x34] & 0xfc : 0;
    for (int steps = 0; at >= 0x40 && steps < 48; steps++) {
      if ((config[at] & 0xff) == id) {
        return at;
      }
      at = config[at + 1] & 0xfc;
    }
    return 0;
  }

  private void common(VmStruct device) {
    device.put("status", in.u8(device.place().then("status")));
    device.put("isr", in.u8(device.place().then("isr")));
    device.put("queue_sel", in.u16(device.place().then("queue_sel")));
    device.put("guest_features_lo", in.u32(device.place().then("guest_features_lo")));
    long length = in.u32(device.place().then("config_len"));
    if (length > MAX_CONFIG_BYTES) {
      throw in.refused(device.place().then("config_len") + " is " + length);
    }
    device.put(
        "device_config",
        new VmValue.Octets(in.octets((int) length, device.place().then("config"))));
  }

  private void queues(VmStruct device) {
    long count = in.u32(device.place().then("queues"));
    if (count > MAX_QUEUES) {
      throw in.refused(device.path() + " has " + count + " queues, more than " + MAX_QUEUES);
    }
    boolean msix = device.number("msix_entries") > 0;
    var queues = new ArrayList<VmStruct>();
    for (int i = 0; i < count; i++) {
      var queue = new VmStruct(device.place().element("queues", i), "virtqueue");
      queue.put("num", in.u32(queue.place().then("num")));
      queue.put("desc", in.i64(queue.place().then("desc")));
      queue.put("last_avail_idx", in.u16(queue.place().then("last_avail_idx")));
      if (msix) {
        queue.put("vector", in.u16(queue.place().then("vector")));
      }
      queues.add(queue);
    }
    device.put("queues", new VmValue.Structs(queues));
  }

  /** vmstate_virtio_net_device, version 11. */
  private void net(VmStruct device) {
    var net = new VmStruct(device.place().then("net"), "virtio-net-device");
    net.put("mac", new VmValue.Octets(in.octets(6, net.place().then("mac"))));
    number(net, "tx_waiting", 4);
    number(net, "mergeable_rx_bufs", 4);
    number(net, "status", 2);
    number(net, "promisc", 1);
    number(net, "allmulti", 1);
    number(net, "mac_table.in_use", 4);
    int macs = net.number("mac_table.in_use", 0, MAX_MAC_ENTRIES);
    net.put(
        "mac_table.macs",
        new VmValue.Octets(in.octets(macs * 6, net.place().then("mac_table.macs"))));
    net.put("vlans", new VmValue.Octets(in.octets(512, net.place().then("vlans"))));
    number(net, "has_vnet_hdr", 4);
    NET_FLAGS.forEach(flag -> number(net, flag, 1));
    netQueues(device, net);
    if ((device.number("guest_features_lo") & FEATURE_CTRL_GUEST_OFFLOADS) != 0) {
      number(net, "curr_guest_offloads", 8);
    }
    netReceiveScaling(net);
    device.put("net", new VmValue.Nested(net));
  }

  /** Present only with several queue pairs. */
  private void netQueues(VmStruct device, VmStruct net) {
    net.put("max_queue_pairs", 1);
    net.put("curr_queue_pairs", 1);
    if (!hasSeveralPairs(device)) {
      return;
    }
    number(net, "max_queue_pairs", 2);
    int pairs = net.number("max_queue_pairs", 2, VirtioNetState.MAX_QUEUE_PAIRS);
    number(net, "curr_queue_pairs", 2);
    int current = net.number("curr_queue_pairs", 0, pairs);
    long[] waiting = new long[Math.max(0, current - 1)];
    for (int i = 0; i < waiting.length; i++) {
      waiting[i] = in.u32(net.place().then("tx_waiting"));
    }
    net.put("tx_waiting_others", new VmValue.Scalars(waiting));
  }

  /**
   * By max_virtqueue_pairs of the device configuration (VIRTIO 1.2, 5.1.4), where it reaches so
   * far. QEMU fills its copy of that when a driver first reads it. As long as none has, nothing is
   * negotiated either, and what follows here is the number of pairs or the mark of a subsection, a
   * footer or a section, which as a number of 16 bits is larger than any number of pairs.
   */
  private boolean hasSeveralPairs(VmStruct device) {
    byte[] config = device.octets("device_config");
    if (config.length < 10) {
      return false;
    }
    int pairs = (config[8] & 0xff) | (config[9] & 0xff) << 8;
    if (pairs > 0 || device.number("guest_features_lo") != 0) {
      return pairs > 1;
    }
    int next = in.peek(0) << 8 | in.peek(1);
    return next > 1 && next <= VirtioNetState.MAX_QUEUE_PAIRS;
  }

  private void netReceiveScaling(VmStruct net) {
    VmStruct none =
        reader.structure(new Layout("virtio-net-device", 11, List.of(), List.of()), net.place());
    if (!none.subsections().isEmpty()) {
      throw in.refused(net.path() + " scales its receive queues (RSS), which can't be carried");
    }
  }

  /** virtio_blk_save_device: the requests that were taken and not answered. */
  private void block(VmStruct device) {
    int queues = device.structs("queues").size();
    var requests = new ArrayList<VmStruct>();
    int more = in.u8(device.place().then("requests"));
    while (more == 1) {
      if (requests.size() == MAX_IN_FLIGHT) {
        throw in.refused(device.path() + " has more than " + MAX_IN_FLIGHT + " requests");
      }
      var request = new VmStruct(device.place().element("requests", requests.size()), "request");
      request.put("queue", queues > 1 ? in.u32(request.place().then("queue")) : 0);
      byte[] element = in.octets(ELEMENT_BYTES, request.place());
      // The element is written as it lies in the host's memory: little-endian on x86.
      request.put("element", new VmValue.Octets(element));
      request.put("head", (element[0] & 0xffL) | (element[1] & 0xffL) << 8);
      requests.add(request);
      more = in.u8(device.place().then("requests"));
    }
    if (more != 0) {
      throw in.refused(device.place().then("requests") + " continues with " + more);
    }
    device.put("requests", new VmValue.Structs(requests));
  }

  private void number(VmStruct struct, String name, int size) {
    struct.put(name, in.unsigned(size, struct.place().then(name)));
  }
}

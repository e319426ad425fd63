package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import dev.here.machine.VirtioRequest;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One virtio device of a device model's state; the way back of {@link QemuVirtioTranslation}. */
final class QemuVirtioPatch {
  private static final long VERSION_1 = 1L << 32;
  private static final long CTRL_GUEST_OFFLOADS = 1L << 2;
  private static final int DRIVER_OK = 4;
  private static final String FEATURES = "virtio/64bit_features";
  private static final String RINGS = "virtio/virtqueues";
  private static final String SIZES = "virtio/ringsize";

  private final VirtioDevice now;
  private final Optional<VirtioRings> memory;
  private final VmStruct device;

  /**
   * @param memory the guest's, standing still; without it requests that are not answered are left
   *     out
   */
  QemuVirtioPatch(VmState state, VirtioDevice now, Optional<VirtioRings> memory) {
    this.now = now;
    this.memory = memory;
    VmStruct section = QemuPciPatch.section(state, now.address());
    String kind =
        switch (now.kind()) {
          case NET -> "virtio-net";
          case BLOCK -> "virtio-blk";
          case RNG -> "virtio-rng";
        };
    if (!section.vmsdName().equals(kind)) {
      throw other("kind", kind, section.vmsdName());
    }
    device = section.struct("virtio");
  }

  private QemuStreamException other(String what, Object guest, Object model) {
    return new QemuStreamException(
        -1,
        "virtio device %s: its %s is %s, the device model's %s"
            .formatted(now.address(), what, guest, model));
  }

  void apply() {
    device.set("status", now.status());
    device.set("isr", now.isr());
    device.set("queue_sel", now.queueSelect());
    device.set("guest_features_lo", now.negotiatedFeatures() & 0xffffffffL);
    if (device.has("config_vector")) {
      device.set("config_vector", now.configVector());
    }
    int length = device.octets("device_config").length;
    if (length != now.deviceConfig().length()) {
      throw other("configuration's length", now.deviceConfig().length(), length);
    }
    device.setOctets("device_config", now.deviceConfig().toArray());
    queues();
    features();
    flags();
    modern();
    now.net().ifPresent(this::net);
    if (device.has("requests")) {
      device.set("requests", new VmValue.Structs(List.of()));
    }
    if ((now.status() & DRIVER_OK) != 0) {
      memory.ifPresent(this::requests);
    }
  }

  /** What a disk has not answered goes along as taken; of the rest the driver shall tell. */
  private void requests(VirtioRings rings) {
    var requests = new ArrayList<VmStruct>();
    for (VirtioQueue queue : now.queues()) {
      if (queue.enabled()) {
        int next = queue.nextAvailable();
        if (device.has("requests")) {
          for (VirtioRequest request : now.inFlight()) {
            if (request.queueIndex() == queue.index()) {
              requests.add(request(rings, queue, request.headDescriptor(), requests.size()));
            }
          }
          for (int head : rings.available(queue, next)) {
            requests.add(request(rings, queue, head, requests.size()));
            next = next + 1 & 0xffff;
          }
          device.structs("queues").get(queue.index()).set("last_avail_idx", next);
        }
        rings.askForNotifications(now, queue, next);
      }
    }
    if (device.has("requests")) {
      device.set("requests", new VmValue.Structs(requests));
    }
  }

  private VmStruct request(VirtioRings rings, VirtioQueue queue, int head, int number) {
    VirtioRings.Request found =
        rings
            .request(queue, head)
            .orElseThrow(() ->
                new QemuStreamException(
                    -1,
                    "virtio device %s has a request %d whose descriptors lead nowhere"
                        .formatted(now.address(), head)));
    var request = new VmStruct(device.place().element("requests", number), "request");
    request.put("queue", queue.index());
    request.put("element", new VmValue.Octets(element(found)));
    request.put("head", head);
    return request;
  }

  /** A request as QEMU keeps it: counts, then addresses and lengths of what it reads and writes. */
  private static byte[] element(VirtioRings.Request request) {
    ByteBuffer element =
        ByteBuffer.allocate(VirtioSectionReader.ELEMENT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int most = VirtioSectionReader.ELEMENT_PARTS;
    int read = 0;
    int written = 0;
    for (VirtioRings.Part part : request.parts()) {
      int place = part.writable() ? written++ : most + read++;
      element.putLong(VirtioSectionReader.ELEMENT_HEAD_BYTES + 8 * place, part.gpa());
      element.putLong(
          VirtioSectionReader.ELEMENT_HEAD_BYTES + 16 * most + 16 * place + 8, part.length());
    }
    return element.putInt(0, request.head()).putInt(4, read).putInt(8, written).array();
  }

  private void queues() {
    List<VmStruct> queues = device.structs("queues");
    if (queues.size() != now.queues().size()) {
      throw other("number of queues", now.queues().size(), queues.size());
    }
    for (VirtioQueue queue : now.queues()) {
      VmStruct there = queues.get(queue.index());
      there.set("num", queue.size());
      there.set("desc", queue.enabled() ? queue.descriptorGpa() : 0);
      there.set("last_avail_idx", queue.nextAvailable());
      if (there.has("vector")) {
        there.set("vector", queue.msixVector());
      }
    }
    rings();
    sizes();
  }

  /** Where the rings are, which every device that can be modern sends. */
  private void rings() {
    Optional<VmStruct> part = device.subsection(RINGS);
    if (part.isEmpty()) {
      return;
    }
    List<VmStruct> rings = part.get().structs("vq", VirtioSectionReader.MAX_QUEUES);
    for (VirtioQueue queue : now.queues()) {
      VmStruct ring = rings.get(queue.index());
      ring.set("vring.avail", queue.enabled() ? queue.driverGpa() : 0);
      ring.set("vring.used", queue.enabled() ? queue.deviceGpa() : 0);
    }
  }

  /** Sent where a driver has made a queue smaller than it was offered. */
  private void sizes() {
    boolean smaller = now.queues().stream().anyMatch(queue -> queue.size() != queue.maxSize());
    device.drop(SIZES);
    if (!smaller) {
      return;
    }
    var part = new VmStruct(device.place().then(SIZES), SIZES);
    var sizes = new ArrayList<VmStruct>();
    for (int i = 0; i < VirtioSectionReader.MAX_QUEUES; i++) {
      var size = new VmStruct(part.place().element("vq", i), "ringsize_state");
      size.put("vring.num_default", i < now.queues().size() ? now.queues().get(i).maxSize() : 0);
      sizes.add(size);
    }
    part.put("vq", new VmValue.Structs(sizes));
    device.put(part, SIZES);
  }

  private void features() {
    device.drop(FEATURES);
    if (now.negotiatedFeatures() >>> 32 != 0) {
      var part = new VmStruct(device.place().then(FEATURES), FEATURES);
      part.put("guest_features", now.negotiatedFeatures());
      device.put(part, FEATURES);
    }
  }

  private void flags() {
    flag("broken", now.broken());
    flag("disabled", false);
    flag("started", (now.status() & DRIVER_OK) != 0);
  }

  private void flag(String name, boolean set) {
    String part = "virtio/" + name;
    device.drop(part);
    if (set) {
      var struct = new VmStruct(device.place().then(part), part);
      struct.put(name, 1);
      device.put(struct, part);
    }
  }

  /** The modern registers; of a legacy driver's queues they hold nothing. */
  private void modern() {
    Optional<VmStruct> part =
        device
            .subsection("virtio/extra_state")
            .flatMap(extra -> extra.struct("extra_state").subsection("virtio_pci/modern_state"));
    if (part.isPresent() != now.modernInterface()) {
      throw other("modern interface", now.modernInterface(), part.isPresent());
    }
    if (part.isEmpty()) {
      return;
    }
    VmStruct registers = part.get();
    registers.set("dfselect", now.deviceFeatureSelect());
    registers.set("gfselect", now.driverFeatureSelect());
    registers.set("guest_features", halves(now.driverFeaturesWritten()));
    boolean version1 = (now.negotiatedFeatures() & VERSION_1) != 0;
    List<VmStruct> queues = registers.structs("vqs", VirtioSectionReader.MAX_QUEUES);
    for (VirtioQueue queue : now.queues()) {
      VmStruct there = queues.get(queue.index());
      there.set("enabled", version1 && queue.enabled() ? 1 : 0);
      there.set("num", queue.size());
      there.set("desc", halves(version1 ? queue.descriptorGpa() : 0));
      there.set("avail", halves(version1 ? queue.driverGpa() : 0));
      there.set("used", halves(version1 ? queue.deviceGpa() : 0));
    }
  }

  private static VmValue halves(long value) {
    return new VmValue.Scalars(new long[] {value & 0xffffffffL, value >>> 32});
  }

  private void net(VirtioNetState state) {
    VmStruct net = device.struct("net");
    net.setOctets("mac", state.mac().toArray());
    // Frames that the guest has queued and not announced again: QEMU looks for them by itself.
    net.set("tx_waiting", (now.status() & DRIVER_OK) != 0 ? 1 : 0);
    net.set("status", state.linkStatus());
    flag(net, "promisc", state.promiscuous());
    flag(net, "allmulti", state.allMulticast());
    flag(net, "alluni", state.allUnicast());
    flag(net, "nomulti", state.noMulticast());
    flag(net, "nouni", state.noUnicast());
    flag(net, "nobcast", state.noBroadcast());
    flag(net, "mac_table.multi_overflow", false);
    flag(net, "mac_table.uni_overflow", false);
    net.set("mac_table.in_use", state.unicastFilter().size() + state.multicastFilter().size());
    var filters = new ByteArrayOutputStream();
    state.unicastFilter().forEach(mac -> filters.writeBytes(mac.toArray()));
    state.multicastFilter().forEach(mac -> filters.writeBytes(mac.toArray()));
    net.set("mac_table.macs", new VmValue.Octets(filters.toByteArray()));
    Bytes vlans = state.vlanFilter();
    net.setOctets("vlans", vlans.toArray());
    if (net.number("max_queue_pairs") != Math.max(1, state.maxQueuePairs())) {
      throw other("number of queue pairs", state.maxQueuePairs(), net.number("max_queue_pairs"));
    }
    net.set("curr_queue_pairs", state.queuePairs());
    if (net.has("tx_waiting_others")) {
      net.set("tx_waiting_others", new VmValue.Scalars(new long[state.queuePairs() - 1]));
    }
    if ((now.negotiatedFeatures() & CTRL_GUEST_OFFLOADS) != 0) {
      net.put("curr_guest_offloads", state.guestOffloads());
    }
  }

  private static void flag(VmStruct struct, String name, boolean set) {
    struct.set(name, set ? 1 : 0);
  }
}

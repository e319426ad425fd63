package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.PciAddress;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import dev.here.machine.VirtioRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Virtio devices on PCI from what {@link VirtioSectionReader} read. The used ring's index is not in
 * the state: it follows from the available index and the requests in flight, since QEMU completes
 * everything else before it lets a state be taken.
 */
final class QemuVirtioTranslation {
  private static final int NO_VECTOR = 0xffff;
  private static final long VERSION_1 = 1L << 32;
  private static final long RING_PACKED = 1L << 34;

  /** GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO of VIRTIO 1.2, 5.1.3. */
  private static final long GUEST_OFFLOADS = 1 << 1 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10;

  private final QemuGuestFacts facts;

  QemuVirtioTranslation(QemuGuestFacts facts) {
    this.facts = facts;
  }

  /** All virtio devices, by rising PCI address. */
  static List<VirtioDevice> devices(VmState state, QemuGuestFacts facts, KeptParts kept) {
    var translation = new QemuVirtioTranslation(facts);
    var devices = new ArrayList<VirtioDevice>();
    for (VmState.Section section : state.sections()) {
      if (section.content().vmsdName().startsWith("virtio-")) {
        PciAddress address = QemuPciTranslation.address(section.name()).orElseThrow();
        devices.add(kept.device(section, content -> translation.device(address, content)));
      }
    }
    devices.sort(
        Comparator.comparingInt(
            device -> device.address().device() << 3 | device.address().function()));
    return devices;
  }

  VirtioDevice device(PciAddress address, VmStruct section) {
    VmStruct device = section.struct("virtio");
    VirtioKind kind =
        switch (section.vmsdName()) {
          case "virtio-net" -> VirtioKind.NET;
          case "virtio-blk" -> VirtioKind.BLOCK;
          default -> VirtioKind.RNG;
        };
    long offered = facts.function(address).map(QemuGuestFacts.Function::offeredFeatures).orElse(0L);
    long negotiated = negotiated(device);
    if ((negotiated & ~offered) != 0) {
      throw new QemuStreamException(
          -1,
          "%s has negotiated features 0x%x, of which 0x%x are not offered (0x%x are)"
              .formatted(device.path(), negotiated, negotiated & ~offered, offered));
    }
    if ((negotiated & RING_PACKED) != 0) {
      throw new QemuStreamException(
          -1, device.path() + " uses packed rings, which can't be carried: start it without them");
    }
    Optional<VmStruct> modern = modern(device);
    List<VirtioRequest> inFlight = inFlight(device);
    return new VirtioDevice(
        address,
        kind,
        QemuPciConfig.u16(device.octets("config"), 2) < 0x1040,
        modern.isPresent(),
        offered,
        negotiated,
        modern.map(part -> (int) part.number("dfselect")).orElse(0),
        modern.map(part -> (int) part.number("gfselect")).orElse(0),
        modern.map(QemuVirtioTranslation::written).orElse(0L),
        device.number("status", 0, 255),
        device.number("isr", 0, 255),
        device.number("queue_sel", 0, 0xffff),
        device.has("config_vector") ? device.number("config_vector", 0, 0xffff) : NO_VECTOR,
        0,
        flag(device, "broken") || flag(device, "disabled"),
        queues(device, modern, (negotiated & VERSION_1) != 0, inFlight),
        inFlight,
        Bytes.of(device.octets("device_config")),
        kind == VirtioKind.NET ? Optional.of(net(device, negotiated)) : Optional.empty());
  }

  /** What the driver has accepted. */
  static long negotiated(VmStruct device) {
    return device
        .subsection("virtio/64bit_features")
        .map(part -> part.number("guest_features"))
        .orElse(device.number("guest_features_lo"));
  }

  private static boolean flag(VmStruct device, String name) {
    return device.subsection("virtio/" + name).filter(part -> part.flag(name)).isPresent();
  }

  private static Optional<VmStruct> modern(VmStruct device) {
    return device
        .subsection("virtio/extra_state")
        .flatMap(part -> part.struct("extra_state").subsection("virtio_pci/modern_state"));
  }

  private static long written(VmStruct modern) {
    long[] halves = modern.numbers("guest_features", 2);
    return halves[0] | halves[1] << 32;
  }

  private static List<VirtioRequest> inFlight(VmStruct device) {
    var requests = new ArrayList<VirtioRequest>();
    if (device.has("requests")) {
      for (VmStruct request : device.structs("requests")) {
        requests.add(
            new VirtioRequest(
                request.number("queue", 0, VirtioSectionReader.MAX_QUEUES - 1),
                request.number("head", 0, 0xffff)));
      }
    }
    return requests;
  }

  private static List<VirtioQueue> queues(
      VmStruct device, Optional<VmStruct> modern, boolean version1, List<VirtioRequest> inFlight) {
    var queues = new ArrayList<VirtioQueue>();
    for (int i = 0; i < device.structs("queues").size(); i++) {
      queues.add(queue(device, i, version1 ? modern : Optional.empty(), inFlight));
    }
    return queues;
  }

  /**
   * One queue.
   *
   * @param modern the modern registers where the driver uses them; they hold what it has written
   *     for a queue that it has not enabled yet
   */
  private static VirtioQueue queue(
      VmStruct device, int index, Optional<VmStruct> modern, List<VirtioRequest> inFlight) {
    VmStruct queue = device.structs("queues").get(index);
    int size = queue.number("num", 1, 32768);
    Rings rings = Rings.legacy(queue.number("desc"), size);
    boolean enabled = rings.descriptorGpa() != 0;
    if (modern.isPresent()) {
      VmStruct registers = modern.get().structs("vqs", VirtioSectionReader.MAX_QUEUES).get(index);
      enabled = registers.flag("enabled");
      rings = enabled ? Rings.inUse(device, index, queue.number("desc")) : Rings.written(registers);
    }
    int next = queue.number("last_avail_idx", 0, 0xffff);
    long open = inFlight.stream().filter(request -> request.queueIndex() == index).count();
    return new VirtioQueue(
        index,
        size,
        maxSize(device, index, size),
        enabled,
        rings.descriptorGpa(),
        rings.driverGpa(),
        rings.deviceGpa(),
        next,
        (int) (next - open & 0xffff),
        0,
        false,
        true,
        queue.has("vector") ? queue.number("vector", 0, 0xffff) : NO_VECTOR);
  }

  /** Sent only if a queue is smaller than the device offers. */
  private static int maxSize(VmStruct device, int index, int size) {
    return device
        .subsection("virtio/ringsize")
        .map(part -> part.structs("vq", VirtioSectionReader.MAX_QUEUES).get(index))
        .map(part -> part.number("vring.num_default", 1, 32768))
        .orElse(size);
  }

  private record Rings(long descriptorGpa, long driverGpa, long deviceGpa) {
    /** One run of pages, the used ring on a page border (VIRTIO 1.2, 2.7.2). */
    static Rings legacy(long descriptorGpa, int size) {
      if (descriptorGpa == 0) {
        return new Rings(0, 0, 0);
      }
      long driverGpa = descriptorGpa + 16L * size;
      return new Rings(descriptorGpa, driverGpa, driverGpa + 4 + 2L * size + 4095 & ~4095L);
    }

    static Rings inUse(VmStruct device, int index, long descriptorGpa) {
      VmStruct sent =
          device
              .subsection("virtio/virtqueues")
              .map(part -> part.structs("vq", VirtioSectionReader.MAX_QUEUES).get(index))
              .orElseThrow(() ->
                  new QemuStreamException(
                      -1, device.path() + " is modern but sends no ring addresses"));
      return new Rings(descriptorGpa, sent.number("vring.avail"), sent.number("vring.used"));
    }

    static Rings written(VmStruct registers) {
      return new Rings(
          joined(registers, "desc"), joined(registers, "avail"), joined(registers, "used"));
    }

    private static long joined(VmStruct registers, String field) {
      long[] halves = registers.numbers(field, 2);
      return halves[0] | halves[1] << 32;
    }
  }

  private static VirtioNetState net(VmStruct device, long negotiated) {
    VmStruct net = device.struct("net");
    byte[] config = device.octets("device_config");
    var unicast = new ArrayList<Bytes>();
    var multicast = new ArrayList<Bytes>();
    byte[] macs = net.octets("mac_table.macs");
    net.number("mac_table.in_use");
    for (int at = 0; at + 6 <= macs.length; at += 6) {
      Bytes mac = Bytes.of(Arrays.copyOfRange(macs, at, at + 6));
      ((mac.at(0) & 1) != 0 ? multicast : unicast).add(mac);
    }
    return new VirtioNetState(
        Bytes.of(net.octets("mac", 6)),
        net.number("status", 0, 0xffff),
        net.flag("promisc"),
        net.flag("allmulti") || net.flag("mac_table.multi_overflow"),
        net.flag("alluni") || net.flag("mac_table.uni_overflow"),
        net.flag("nomulti"),
        net.flag("nouni"),
        net.flag("nobcast"),
        unicast,
        multicast,
        Bytes.of(net.octets("vlans", 512)),
        net.has("curr_guest_offloads")
            ? net.number("curr_guest_offloads")
            : negotiated & GUEST_OFFLOADS,
        Math.max(1, net.number("curr_queue_pairs", 0, 256)),
        Math.max(1, net.number("max_queue_pairs", 0, 256)),
        config.length >= 12 ? QemuPciConfig.u16(config, 10) : 0);
  }
}

package dev.here.formats.state;

import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import dev.here.machine.VirtioRequest;

/** Virtio devices. */
final class VirtioJson {
  private static final VirtioKind[] VIRTIO_KINDS = VirtioKind.values();

  static final RecordJson<VirtioDevice> DEVICE =
      new RecordJson<>() {
        @Override
        public void write(VirtioDevice device, StateWriter out) {
          out.object("address", device.address(), PciJson.ADDRESS);
          out.constant("kind", device.kind());
          out.flag("legacyInterface", device.legacyInterface());
          out.flag("modernInterface", device.modernInterface());
          out.int64("offeredFeatures", device.offeredFeatures());
          out.int64("negotiatedFeatures", device.negotiatedFeatures());
          out.int32("deviceFeatureSelect", device.deviceFeatureSelect());
          out.int32("driverFeatureSelect", device.driverFeatureSelect());
          out.int64("driverFeaturesWritten", device.driverFeaturesWritten());
          out.int32("status", device.status());
          out.int32("isr", device.isr());
          out.int32("queueSelect", device.queueSelect());
          out.int32("configVector", device.configVector());
          out.int32("configGeneration", device.configGeneration());
          out.flag("broken", device.broken());
          out.list("queues", device.queues(), QUEUE);
          out.list("inFlight", device.inFlight(), REQUEST);
          out.octets("deviceConfig", device.deviceConfig());
          out.optional("net", device.net(), NET);
        }

        @Override
        public VirtioDevice read(StateReader in) {
          return new VirtioDevice(
              in.object("address", PciJson.ADDRESS),
              in.constant("kind", VIRTIO_KINDS),
              in.flag("legacyInterface"),
              in.flag("modernInterface"),
              in.int64("offeredFeatures"),
              in.int64("negotiatedFeatures"),
              in.int32("deviceFeatureSelect"),
              in.int32("driverFeatureSelect"),
              in.int64("driverFeaturesWritten"),
              in.int32("status"),
              in.int32("isr"),
              in.int32("queueSelect"),
              in.int32("configVector"),
              in.int32("configGeneration"),
              in.flag("broken"),
              in.list("queues", QUEUE),
              in.list("inFlight", REQUEST),
              in.octets("deviceConfig"),
              in.optional("net", NET));
        }
      };

  private static final RecordJson<VirtioQueue> QUEUE =
      new RecordJson<>() {
        @Override
        public void write(VirtioQueue queue, StateWriter out) {
          out.int32("index", queue.index());
          out.int32("size", queue.size());
          out.int32("maxSize", queue.maxSize());
          out.flag("enabled", queue.enabled());
          out.int64("descriptorGpa", queue.descriptorGpa());
          out.int64("driverGpa", queue.driverGpa());
          out.int64("deviceGpa", queue.deviceGpa());
          out.int32("nextAvailable", queue.nextAvailable());
          out.int32("usedIndex", queue.usedIndex());
          out.int32("signalledUsed", queue.signalledUsed());
          out.flag("signalledUsedValid", queue.signalledUsedValid());
          out.flag("notificationOn", queue.notificationOn());
          out.int32("msixVector", queue.msixVector());
        }

        @Override
        public VirtioQueue read(StateReader in) {
          return new VirtioQueue(
              in.int32("index"),
              in.int32("size"),
              in.int32("maxSize"),
              in.flag("enabled"),
              in.int64("descriptorGpa"),
              in.int64("driverGpa"),
              in.int64("deviceGpa"),
              in.int32("nextAvailable"),
              in.int32("usedIndex"),
              in.int32("signalledUsed"),
              in.flag("signalledUsedValid"),
              in.flag("notificationOn"),
              in.int32("msixVector"));
        }
      };

  private static final RecordJson<VirtioRequest> REQUEST =
      new RecordJson<>() {
        @Override
        public void write(VirtioRequest request, StateWriter out) {
          out.int32("queueIndex", request.queueIndex());
          out.int32("headDescriptor", request.headDescriptor());
        }

        @Override
        public VirtioRequest read(StateReader in) {
          return new VirtioRequest(in.int32("queueIndex"), in.int32("headDescriptor"));
        }
      };

  private static final RecordJson<VirtioNetState> NET =
      new RecordJson<>() {
        @Override
        public void write(VirtioNetState net, StateWriter out) {
          out.octets("mac", net.mac());
          out.int32("linkStatus", net.linkStatus());
          out.flag("promiscuous", net.promiscuous());
          out.flag("allMulticast", net.allMulticast());
          out.flag("allUnicast", net.allUnicast());
          out.flag("noMulticast", net.noMulticast());
          out.flag("noUnicast", net.noUnicast());
          out.flag("noBroadcast", net.noBroadcast());
          out.octetsList("unicastFilter", net.unicastFilter());
          out.octetsList("multicastFilter", net.multicastFilter());
          out.octets("vlanFilter", net.vlanFilter());
          out.int64("guestOffloads", net.guestOffloads());
          out.int32("queuePairs", net.queuePairs());
          out.int32("maxQueuePairs", net.maxQueuePairs());
          out.int32("mtu", net.mtu());
        }

        @Override
        public VirtioNetState read(StateReader in) {
          return new VirtioNetState(
              in.octets("mac"),
              in.int32("linkStatus"),
              in.flag("promiscuous"),
              in.flag("allMulticast"),
              in.flag("allUnicast"),
              in.flag("noMulticast"),
              in.flag("noUnicast"),
              in.flag("noBroadcast"),
              in.octetsList("unicastFilter"),
              in.octetsList("multicastFilter"),
              in.octets("vlanFilter"),
              in.int64("guestOffloads"),
              in.int32("queuePairs"),
              in.int32("maxQueuePairs"),
              in.int32("mtu"));
        }
      };

  private VirtioJson() {}
}

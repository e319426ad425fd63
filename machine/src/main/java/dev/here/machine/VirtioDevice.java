package dev.here.machine;

import java.util.List;
import java.util.Optional;

/**
 * One virtio device behind virtio-pci (VIRTIO 1.2, section 4.1), modern or transitional.
 *
 * @param address of its PCI function
 * @param kind what it is
 * @param legacyInterface it has the legacy I/O BAR (transitional)
 * @param modernInterface it has the modern capabilities
 * @param offeredFeatures device features
 * @param negotiatedFeatures features that the driver accepted
 * @param deviceFeatureSelect modern register
 * @param driverFeatureSelect modern register
 * @param driverFeaturesWritten features as written so far through the modern registers
 * @param status device status
 * @param isr ISR status
 * @param queueSelect selected queue
 * @param configVector MSI-X vector for configuration changes, 65535 for none
 * @param configGeneration modern register
 * @param broken the device has asked for a reset
 * @param queues all queues that the device offers
 * @param inFlight taken, not answered
 * @param deviceConfig device-specific configuration as the guest reads it (modern, little-endian)
 * @param net what a network device adds
 */
public record VirtioDevice(
    PciAddress address,
    VirtioKind kind,
    boolean legacyInterface,
    boolean modernInterface,
    long offeredFeatures,
    long negotiatedFeatures,
    int deviceFeatureSelect,
    int driverFeatureSelect,
    long driverFeaturesWritten,
    int status,
    int isr,
    int queueSelect,
    int configVector,
    int configGeneration,
    boolean broken,
    List<VirtioQueue> queues,
    List<VirtioRequest> inFlight,
    Bytes deviceConfig,
    Optional<VirtioNetState> net) {
  public VirtioDevice {
    Bounds.range("virtio.status", status, 0, 255);
    Bounds.range("virtio.isr", isr, 0, 255);
    Bounds.range("virtio.queues", queues.size(), 0, 1024);
    Bounds.range("virtio.inFlight", inFlight.size(), 0, 65536);
    Bounds.range("virtio.deviceConfig", deviceConfig.length(), 0, 4096);
    queues = List.copyOf(queues);
    inFlight = List.copyOf(inFlight);
  }
}

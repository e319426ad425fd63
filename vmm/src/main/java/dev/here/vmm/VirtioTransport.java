package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.PciAddress;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioQueue;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The part of a virtio device that is the same for every kind and every register layout: features,
 * status, queues, interrupts, configuration octets (VIRTIO 1.2, chapter 2). {@link
 * VirtioLegacyRegisters} and {@link VirtioModernRegisters} are two views of it. Guarded by the
 * platform's lock.
 */
final class VirtioTransport {
  /** How the device interrupts. */
  interface Interrupts {
    /** Whether messages are on, in place of the wire. */
    boolean messages();

    void message(int vector);

    void wire(boolean asserted);
  }

  static final int STATUS_DRIVER_OK = 4;
  static final int STATUS_FEATURES_OK = 8;
  static final int STATUS_NEEDS_RESET = 0x40;

  private static final Logger LOG = LoggerFactory.getLogger(VirtioTransport.class);
  private static final int ISR_QUEUE = 1;
  private static final int ISR_CONFIG = 2;

  private final PciAddress address;
  private final boolean legacyInterface;
  private final boolean modernInterface;
  private final long offeredFeatures;
  private final GuestMemory memory;
  private final VirtioModel model;
  private final Interrupts interrupts;
  private final List<Virtqueue> queues = new ArrayList<>();
  private final byte[] config;
  private long negotiatedFeatures;
  private int deviceFeatureSelect;
  private int driverFeatureSelect;
  private long driverFeaturesWritten;
  private int status;
  private int isr;
  private int queueSelect;
  private int configVector;
  private int configGeneration;
  private boolean broken;

  /**
   * @throws VirtioRefusedException when the driver uses a feature that is not carried
   */
  VirtioTransport(
      VirtioDevice state, GuestMemory memory, VirtioModel model, Interrupts interrupts) {
    address = state.address();
    legacyInterface = state.legacyInterface();
    modernInterface = state.modernInterface();
    offeredFeatures = state.offeredFeatures();
    negotiatedFeatures = state.negotiatedFeatures();
    deviceFeatureSelect = state.deviceFeatureSelect();
    driverFeatureSelect = state.driverFeatureSelect();
    driverFeaturesWritten = state.driverFeaturesWritten();
    status = state.status();
    isr = state.isr();
    queueSelect = state.queueSelect();
    configVector = state.configVector();
    configGeneration = state.configGeneration();
    broken = state.broken();
    config = state.deviceConfig().toArray();
    this.memory = memory;
    this.model = model;
    this.interrupts = interrupts;
    check(state, model.supportedFeatures());
    for (VirtioQueue queue : state.queues()) {
      queues.add(new Virtqueue(memory, queue));
    }
    queues.forEach(queue -> queue.negotiated(negotiatedFeatures));
    model.attach(this);
    model.negotiated(negotiatedFeatures);
  }

  /**
   * Refuses a state whose driver uses what cannot be carried out.
   *
   * @param supported features of the device's kind
   * @throws VirtioRefusedException naming the features
   */
  static void check(VirtioDevice state, long supported) {
    long unsupported = state.negotiatedFeatures() & ~(VirtioFeature.TRANSPORT | supported);
    if (unsupported != 0) {
      throw new VirtioRefusedException(
          "virtio %s at %s: the guest's driver uses %s, which is not supported; turn it off on the source's device"
              .formatted(state.kind(), state.address(), VirtioFeature.names(unsupported)));
    }
  }

  VirtioDevice state() {
    return new VirtioDevice(
        address,
        model.kind(),
        legacyInterface,
        modernInterface,
        offeredFeatures,
        negotiatedFeatures,
        deviceFeatureSelect,
        driverFeatureSelect,
        driverFeaturesWritten,
        status,
        isr,
        queueSelect,
        configVector,
        configGeneration,
        broken,
        queues.stream().map(Virtqueue::state).toList(),
        model.inFlight(),
        Bytes.of(config),
        model.net());
  }

  PciAddress address() {
    return address;
  }

  GuestMemory memory() {
    return memory;
  }

  int queueCount() {
    return queues.size();
  }

  Virtqueue queue(int index) {
    return queues.get(index);
  }

  boolean legacyInterface() {
    return legacyInterface;
  }

  boolean modernInterface() {
    return modernInterface;
  }

  /** The device's own configuration, octets as the driver reads them. */
  byte[] config() {
    return config;
  }

  int configOctet(int offset) {
    return offset >= 0 && offset < config.length ? config[offset] & 0xff : 0;
  }

  /** The driver writes its device's configuration. */
  void writeConfig(int offset, int sizeBytes, long value) {
    if (offset < 0 || offset + sizeBytes > config.length) {
      return;
    }
    byte[] before = new byte[sizeBytes];
    System.arraycopy(config, offset, before, 0, sizeBytes);
    for (int at = 0; at < sizeBytes; at++) {
      config[offset + at] = (byte) (value >>> at * 8);
    }
    if (!configWritable(offset, sizeBytes)) {
      System.arraycopy(before, 0, config, offset, sizeBytes);
    } else {
      model.configWritten(offset, sizeBytes);
    }
  }

  private boolean configWritable(int offset, int sizeBytes) {
    return switch (model.kind()) {
      // Only a legacy driver sets its address this way (section 5.1.4.1).
      case NET -> offset + sizeBytes <= 6 && !negotiated(VirtioFeature.VERSION_1);
      case BLOCK -> offset == VirtioBlock.CONFIG_WRITEBACK && sizeBytes == 1;
      case RNG -> false;
    };
  }

  long offeredFeatures() {
    return offeredFeatures;
  }

  long negotiatedFeatures() {
    return negotiatedFeatures;
  }

  boolean negotiated(int bit) {
    return VirtioFeature.has(negotiatedFeatures, bit);
  }

  /** Takes what a driver accepted: what was not offered is left out; fixed once FEATURES_OK. */
  void negotiate(long accepted) {
    if ((status & STATUS_FEATURES_OK) != 0) {
      return;
    }
    negotiatedFeatures = accepted & offeredFeatures & supported();
    queues.forEach(queue -> queue.negotiated(negotiatedFeatures));
    model.negotiated(negotiatedFeatures);
  }

  private long supported() {
    return VirtioFeature.TRANSPORT | model.supportedFeatures();
  }

  int status() {
    return status;
  }

  /** The driver writes the status register; 0 resets the device (section 2.1). */
  void status(int value) {
    if (value == 0) {
      reset();
      return;
    }
    boolean ready = driverReady();
    int accepted = value;
    if ((value & ~status & STATUS_FEATURES_OK) != 0
        && (driverFeaturesWritten & ~(offeredFeatures & supported())) != 0) {
      accepted &= ~STATUS_FEATURES_OK;
    }
    status = accepted | status & STATUS_NEEDS_RESET;
    if (!ready && driverReady()) {
      kick();
    }
  }

  boolean driverReady() {
    return (status & STATUS_DRIVER_OK) != 0;
  }

  /**
   * Whether requests may be looked at. Legacy drivers may use their queues before DRIVER_OK
   * (section 3.1.2).
   */
  boolean operational() {
    return !broken && (driverReady() || !negotiated(VirtioFeature.VERSION_1));
  }

  /**
   * Resets the selected queue alone (VIRTIO 1.2, section 4.1.4.3.1): done when this returns, so the
   * register never reads 1.
   */
  void resetSelected() {
    if (VirtioFeature.has(negotiatedFeatures, VirtioFeature.RING_RESET)) {
      model.pause();
      selected().reset();
      model.resume();
    }
  }

  private void reset() {
    model.reset();
    status = 0;
    isr = 0;
    queueSelect = 0;
    configVector = Virtqueue.NO_VECTOR;
    deviceFeatureSelect = 0;
    driverFeatureSelect = 0;
    driverFeaturesWritten = 0;
    broken = false;
    queues.forEach(Virtqueue::reset);
    offerQueues();
    negotiate(0);
    interrupts.wire(false);
  }

  /** Where the source had fewer queues for the driver before, the next one finds all again. */
  private void offerQueues() {
    int offered = model.queuesOffered();
    if (queues.size() >= offered) {
      return;
    }
    int size = queues.getFirst().maxSize();
    int lastSize = queues.getLast().maxSize();
    queues.clear();
    for (int index = 0; index < offered; index++) {
      queues.add(Virtqueue.unused(memory, index, index < offered - 1 ? size : lastSize));
    }
  }

  int deviceFeatureSelect() {
    return deviceFeatureSelect;
  }

  void deviceFeatureSelect(int select) {
    deviceFeatureSelect = select;
  }

  int driverFeatureSelect() {
    return driverFeatureSelect;
  }

  void driverFeatureSelect(int select) {
    driverFeatureSelect = select;
  }

  long driverFeaturesWritten() {
    return driverFeaturesWritten;
  }

  /** The modern driver writes the half that it has selected. */
  void writeDriverFeatures(long half) {
    if (driverFeatureSelect == 0) {
      driverFeaturesWritten = driverFeaturesWritten & ~0xffff_ffffL | half;
    } else if (driverFeatureSelect == 1) {
      driverFeaturesWritten = driverFeaturesWritten & 0xffff_ffffL | half << 32;
    } else {
      return;
    }
    negotiate(driverFeaturesWritten);
  }

  int queueSelect() {
    return queueSelect;
  }

  void queueSelect(int select) {
    queueSelect = select;
  }

  /** Whether the selected queue exists. */
  boolean queueSelected() {
    return queueSelect < queues.size() && selected().maxSize() > 0;
  }

  /** The selected queue; only when {@link #queueSelected}. */
  Virtqueue selected() {
    return queues.get(queueSelect);
  }

  int configVector() {
    return configVector;
  }

  void configVector(int vector) {
    configVector = vector;
  }

  int configGeneration() {
    return configGeneration;
  }

  /** Reading the ISR status takes the interrupt back (section 4.1.4.5). */
  int takeIsr() {
    int value = isr;
    isr = 0;
    interrupts.wire(false);
    return value;
  }

  /** The driver notifies the device of queue {@code index}. */
  void notified(int index) {
    if (index < queues.size() && operational() && queue(index).enabled()) {
      guarded(() -> model.notified(index));
    }
  }

  /** Looks at every queue as if it had been notified: nothing that came in before is forgotten. */
  void kick() {
    for (int index = 0; index < queues.size(); index++) {
      notified(index);
    }
  }

  /** Runs {@code work}; a rule that the driver broke in it stops the device, not the machine. */
  void guarded(Runnable work) {
    try {
      work.run();
    } catch (VirtqueueException | GuestAddressException e) {
      fail(e.getMessage() == null ? e.toString() : e.getMessage());
    }
  }

  /** The device cannot go on until its driver resets it (section 2.1.2). */
  void fail(String reason) {
    if (broken) {
      return;
    }
    LOG.warn("virtio {} at {} needs a reset: {}", model.kind(), address, reason);
    broken = true;
    if (negotiated(VirtioFeature.VERSION_1)) {
      status |= STATUS_NEEDS_RESET;
      configChanged();
    }
  }

  /** Answers on {@code queue} are published: interrupts if the driver wants that. */
  void completed(Virtqueue queue) {
    if (queue.wantsInterrupt()) {
      isr |= ISR_QUEUE;
      raise(queue.msixVector());
    }
  }

  /** The device's configuration has changed by itself. */
  void configChanged() {
    configGeneration = configGeneration + 1 & 0xff;
    if (driverReady()) {
      isr |= ISR_QUEUE | ISR_CONFIG;
      raise(configVector);
    }
  }

  private void raise(int vector) {
    if (!interrupts.messages()) {
      interrupts.wire(true);
    } else if (vector != Virtqueue.NO_VECTOR) {
      interrupts.message(vector);
    }
  }
}

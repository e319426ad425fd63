package dev.here.vmm;

/**
 * The legacy register layout in an I/O BAR (VIRTIO 1.2, section 4.1.4.8): 20 octets, 24 while MSI-X
 * is on, then the device's own configuration.
 */
final class VirtioLegacyRegisters implements MmioDevice {
  private static final int DEVICE_FEATURES = 0;
  private static final int DRIVER_FEATURES = 4;
  private static final int QUEUE_ADDRESS = 8;
  private static final int QUEUE_SIZE = 12;
  private static final int QUEUE_SELECT = 14;
  private static final int QUEUE_NOTIFY = 16;
  private static final int STATUS = 18;
  private static final int ISR = 19;
  private static final int CONFIG_VECTOR = 20;
  private static final int QUEUE_VECTOR = 22;
  private static final int QUEUE_ADDRESS_SHIFT = 12;

  private final VirtioTransport transport;
  private final VirtioTransport.Interrupts interrupts;
  private final int vectors;

  VirtioLegacyRegisters(
      VirtioTransport transport, VirtioTransport.Interrupts interrupts, int vectors) {
    this.transport = transport;
    this.interrupts = interrupts;
    this.vectors = vectors;
  }

  @Override
  public long read(long offset, int sizeBytes) {
    int header = headerBytes();
    if (offset >= header) {
      long value = 0;
      for (int at = 0; at < sizeBytes; at++) {
        value |= (long) transport.configOctet((int) offset - header + at) << at * 8;
      }
      return value;
    }
    boolean queue = transport.queueSelected();
    return switch ((int) offset) {
      case DEVICE_FEATURES -> transport.offeredFeatures() & 0xffff_ffffL;
      case DRIVER_FEATURES -> transport.negotiatedFeatures() & 0xffff_ffffL;
      case QUEUE_ADDRESS ->
          queue ? transport.selected().descriptorGpa() >>> QUEUE_ADDRESS_SHIFT & 0xffff_ffffL : 0;
      case QUEUE_SIZE -> queue ? transport.selected().size() : 0;
      case QUEUE_SELECT -> transport.queueSelect();
      case STATUS -> transport.status();
      case ISR -> transport.takeIsr();
      case CONFIG_VECTOR -> transport.configVector();
      case QUEUE_VECTOR -> queue ? transport.selected().msixVector() : Virtqueue.NO_VECTOR;
      default -> 0;
    };
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    int header = headerBytes();
    if (offset >= header) {
      transport.writeConfig((int) offset - header, sizeBytes, value);
      return;
    }
    switch ((int) offset) {
      case DRIVER_FEATURES -> driverFeatures(value);
      case QUEUE_ADDRESS -> queueAddress(value);
      case QUEUE_SELECT -> transport.queueSelect((int) value & 0xffff);
      case QUEUE_NOTIFY -> transport.notified((int) value & 0xffff);
      case STATUS -> transport.status((int) value & 0xff);
      case CONFIG_VECTOR -> transport.configVector(vector(value));
      case QUEUE_VECTOR -> {
        if (transport.queueSelected()) {
          transport.selected().msixVector(vector(value));
        }
      }
      default -> {}
    }
  }

  private void driverFeatures(long value) {
    if (VirtioFeature.has(value, VirtioFeature.BAD_FEATURE)) {
      // Such a driver acknowledges whatever it reads: it gets no feature at all.
      transport.negotiate(0);
    } else {
      transport.negotiate(value & 0xffff_ffffL);
    }
  }

  private void queueAddress(long value) {
    if (transport.queueSelected()) {
      transport.selected().legacyAddress((value & 0xffff_ffffL) << QUEUE_ADDRESS_SHIFT);
    }
  }

  /** A vector that the function has not got reads back as none (section 4.1.5.1.2.1). */
  private int vector(long value) {
    int vector = (int) value & 0xffff;
    return vector < vectors ? vector : Virtqueue.NO_VECTOR;
  }

  private int headerBytes() {
    return interrupts.messages() ? 24 : 20;
  }
}

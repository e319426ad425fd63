package dev.here.vmm;

/**
 * The modern register layout in a memory BAR (VIRTIO 1.2, section 4.1.4): the structures that the
 * capabilities place there. Accesses outside of them read zero.
 */
final class VirtioModernRegisters implements MmioDevice {
  private static final int DEVICE_FEATURE_SELECT = 0;
  private static final int DEVICE_FEATURE = 4;
  private static final int DRIVER_FEATURE_SELECT = 8;
  private static final int DRIVER_FEATURE = 12;
  private static final int CONFIG_VECTOR = 16;
  private static final int QUEUE_COUNT = 18;
  private static final int STATUS = 20;
  private static final int CONFIG_GENERATION = 21;
  private static final int QUEUE_SELECT = 22;
  private static final int QUEUE_SIZE = 24;
  private static final int QUEUE_VECTOR = 26;
  private static final int QUEUE_ENABLE = 28;
  private static final int QUEUE_NOTIFY_OFFSET = 30;
  private static final int QUEUE_DESCRIPTOR = 32;
  private static final int QUEUE_DRIVER = 40;
  private static final int QUEUE_DEVICE = 48;
  private static final int QUEUE_RESET = 58;
  private static final int COMMON_BYTES = 60;

  private final VirtioTransport transport;
  private final VirtioCapabilities capabilities;
  private final int bar;
  private final int vectors;

  /** The structures that stand in BAR {@code bar}. */
  VirtioModernRegisters(
      VirtioTransport transport, VirtioCapabilities capabilities, int bar, int vectors) {
    this.transport = transport;
    this.capabilities = capabilities;
    this.bar = bar;
    this.vectors = vectors;
  }

  @Override
  public long read(long offset, int sizeBytes) {
    for (VirtioCapabilities.Structure structure : capabilities.structures()) {
      if (structure.holds(bar, offset)) {
        int at = (int) (offset - structure.offset());
        return switch (structure.kind()) {
          case COMMON -> readCommon(at, sizeBytes);
          case ISR -> at == 0 ? transport.takeIsr() : 0;
          case DEVICE -> readDevice(at, sizeBytes);
          case NOTIFY -> 0;
        };
      }
    }
    return 0;
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    for (VirtioCapabilities.Structure structure : capabilities.structures()) {
      if (structure.holds(bar, offset)) {
        int at = (int) (offset - structure.offset());
        switch (structure.kind()) {
          case COMMON -> writeCommon(at, sizeBytes, value);
          case DEVICE -> transport.writeConfig(at, sizeBytes, value);
          case NOTIFY -> transport.notified(queueNotifiedAt(at, value));
          case ISR -> {}
        }
        return;
      }
    }
  }

  private int queueNotifiedAt(int at, long value) {
    int multiplier = capabilities.notifyMultiplier();
    return multiplier == 0 ? (int) value & 0xffff : at / multiplier;
  }

  private long readDevice(int at, int sizeBytes) {
    long value = 0;
    for (int octet = 0; octet < sizeBytes; octet++) {
      value |= (long) transport.configOctet(at + octet) << octet * 8;
    }
    return value;
  }

  /** Registers are naturally aligned; parts of them and pairs of halves may be read too. */
  private long readCommon(int at, int sizeBytes) {
    if (at + sizeBytes > COMMON_BYTES) {
      return 0;
    }
    long value = 0;
    for (int octet = 0; octet < sizeBytes; octet++) {
      value |= commonOctet(at + octet) << octet * 8;
    }
    return value;
  }

  private long commonOctet(int at) {
    if (at < CONFIG_VECTOR || at >= QUEUE_DESCRIPTOR) {
      return register(at & ~3) >>> (at & 3) * 8 & 0xff;
    }
    if (at == STATUS || at == CONFIG_GENERATION) {
      return register(at) & 0xff;
    }
    return register(at & ~1) >>> (at & 1) * 8 & 0xff;
  }

  private long register(int at) {
    boolean queue = transport.queueSelected();
    return switch (at) {
      case DEVICE_FEATURE_SELECT -> transport.deviceFeatureSelect();
      case DEVICE_FEATURE -> half(transport.offeredFeatures(), transport.deviceFeatureSelect());
      case DRIVER_FEATURE_SELECT -> transport.driverFeatureSelect();
      case DRIVER_FEATURE ->
          half(transport.driverFeaturesWritten(), transport.driverFeatureSelect());
      case CONFIG_VECTOR -> transport.configVector();
      case QUEUE_COUNT -> transport.queueCount();
      case STATUS -> transport.status();
      case CONFIG_GENERATION -> transport.configGeneration();
      case QUEUE_SELECT -> transport.queueSelect();
      case QUEUE_SIZE -> queue ? transport.selected().size() : 0;
      case QUEUE_VECTOR -> queue ? transport.selected().msixVector() : Virtqueue.NO_VECTOR;
      case QUEUE_ENABLE -> queue && transport.selected().enabled() ? 1 : 0;
      case QUEUE_NOTIFY_OFFSET -> queue ? transport.queueSelect() : 0;
      case QUEUE_DESCRIPTOR -> queue ? transport.selected().descriptorGpa() : 0;
      case QUEUE_DESCRIPTOR + 4 -> queue ? transport.selected().descriptorGpa() >>> 32 : 0;
      case QUEUE_DRIVER -> queue ? transport.selected().driverGpa() : 0;
      case QUEUE_DRIVER + 4 -> queue ? transport.selected().driverGpa() >>> 32 : 0;
      case QUEUE_DEVICE -> queue ? transport.selected().deviceGpa() : 0;
      case QUEUE_DEVICE + 4 -> queue ? transport.selected().deviceGpa() >>> 32 : 0;
      default -> 0;
    };
  }

  private static long half(long features, int select) {
    return switch (select) {
      case 0 -> features & 0xffff_ffffL;
      case 1 -> features >>> 32;
      default -> 0;
    };
  }

  private void writeCommon(int at, int sizeBytes, long value) {
    if (sizeBytes == 8) {
      writeCommon(at, 4, value & 0xffff_ffffL);
      writeCommon(at + 4, 4, value >>> 32);
      return;
    }
    switch (at) {
      case DEVICE_FEATURE_SELECT -> transport.deviceFeatureSelect((int) value);
      case DRIVER_FEATURE_SELECT -> transport.driverFeatureSelect((int) value);
      case DRIVER_FEATURE -> transport.writeDriverFeatures(value & 0xffff_ffffL);
      case CONFIG_VECTOR -> transport.configVector(vector(value));
      case STATUS -> transport.status((int) value & 0xff);
      case QUEUE_SELECT -> transport.queueSelect((int) value & 0xffff);
      default -> {
        if (transport.queueSelected()) {
          writeQueue(transport.selected(), at, value);
        }
      }
    }
  }

  private void writeQueue(Virtqueue queue, int at, long value) {
    long descriptor = queue.descriptorGpa();
    long driver = queue.driverGpa();
    long device = queue.deviceGpa();
    switch (at) {
      case QUEUE_SIZE -> queue.size((int) value & 0xffff);
      case QUEUE_VECTOR -> queue.msixVector(vector(value));
      case QUEUE_ENABLE -> {
        if (value == 1) {
          queue.enable();
        }
      }
      case QUEUE_RESET -> {
        if (value == 1) {
          transport.resetSelected();
        }
      }
      case QUEUE_DESCRIPTOR -> queue.addresses(low(descriptor, value), driver, device);
      case QUEUE_DESCRIPTOR + 4 -> queue.addresses(high(descriptor, value), driver, device);
      case QUEUE_DRIVER -> queue.addresses(descriptor, low(driver, value), device);
      case QUEUE_DRIVER + 4 -> queue.addresses(descriptor, high(driver, value), device);
      case QUEUE_DEVICE -> queue.addresses(descriptor, driver, low(device, value));
      case QUEUE_DEVICE + 4 -> queue.addresses(descriptor, driver, high(device, value));
      default -> {}
    }
  }

  private static long low(long address, long value) {
    return address & ~0xffff_ffffL | value & 0xffff_ffffL;
  }

  private static long high(long address, long value) {
    return address & 0xffff_ffffL | value << 32;
  }

  private int vector(long value) {
    int vector = (int) value & 0xffff;
    return vector < vectors ? vector : Virtqueue.NO_VECTOR;
  }
}

package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The state of a guest that Xen itself keeps: its save records in order, as {@code
 * xc_domain_hvm_getcontext} gives them and {@code xc_domain_hvm_setcontext} takes them, and as they
 * stand in a migration stream. Decoding and encoding give the same octets back.
 *
 * <p>Described in docs/specs/xen-hvm-context.md.
 *
 * @param records the header first; the end record is not among them
 */
public record HvmContext(List<HvmRecord> records) {
  /** Largest context that is read: 128 vCPUs with large XSAVE areas take less. */
  public static final int MAX_BYTES = 4 << 20;

  static final int DESCRIPTOR_BYTES = 8;
  static final long MAGIC = 0x54381286L;
  static final long VERSION = 1;

  public HvmContext {
    records = List.copyOf(records);
    if (records.isEmpty() || !(records.getFirst() instanceof HvmHeader)) {
      throw new XenFormatException(-1, "an HVM context does not begin with its header");
    }
    Set<Integer> seen = new HashSet<>();
    for (HvmRecord record : records) {
      if (!seen.add(record.type().code() << 16 | record.instance())) {
        throw new XenFormatException(
            -1, "record %s %d comes twice".formatted(record.type(), record.instance()));
      }
    }
  }

  /**
   * Decodes a context.
   *
   * @throws XenFormatException naming the record if it is not one of Xen 4.17 on x86; nothing else
   *     is thrown
   */
  public static HvmContext decode(byte[] octets) {
    if (octets.length > MAX_BYTES) {
      throw new XenFormatException(
          -1,
          "an HVM context of %d octets, at most %d are read".formatted(octets.length, MAX_BYTES));
    }
    ByteBuffer in = ByteBuffer.wrap(octets).order(ByteOrder.LITTLE_ENDIAN);
    var records = new ArrayList<HvmRecord>();
    while (true) {
      int began = in.position();
      Optional<HvmRecord> record = next(in);
      if (record.isEmpty()) {
        break;
      }
      if (records.isEmpty() != record.get() instanceof HvmHeader) {
        throw new XenFormatException(
            began, "record " + record.get().type() + ": the header comes first and once");
      }
      records.add(record.get());
    }
    if (in.hasRemaining()) {
      throw new XenFormatException(
          in.position(), in.remaining() + " octets follow the end of the HVM context");
    }
    return new HvmContext(records);
  }

  /** The next record, or nothing at the end record. */
  private static Optional<HvmRecord> next(ByteBuffer in) {
    int began = in.position();
    if (in.remaining() < DESCRIPTOR_BYTES) {
      throw new XenFormatException(began, "the HVM context is cut short: no end record");
    }
    int code = Short.toUnsignedInt(in.getShort());
    int instance = Short.toUnsignedInt(in.getShort());
    long length = Integer.toUnsignedLong(in.getInt());
    HvmRecordType type =
        HvmRecordType.of(code)
            .orElseThrow(() ->
                new XenFormatException(
                    began,
                    "save record of type "
                        + code
                        + " is not known (Xen 4.17 has types up to 20): it can't be carried"));
    if (length > in.remaining()) {
      throw new XenFormatException(
          began,
          "record %s announces %d octets, %d are there".formatted(type, length, in.remaining()));
    }
    if (type == HvmRecordType.END) {
      if (length != 0 || instance != 0) {
        throw new XenFormatException(began, "the end record is not empty");
      }
      return Optional.empty();
    }
    byte[] body = new byte[(int) length];
    in.get(body);
    try {
      return Optional.of(decode(type, instance, body));
    } catch (XenFormatException e) {
      throw new XenFormatException(
          began, "record %s %d: %s".formatted(type, instance, e.getMessage()));
    }
  }

  private static HvmRecord decode(HvmRecordType type, int instance, byte[] body) {
    check(type, body.length);
    return switch (type) {
      case END -> throw new IllegalArgumentException("the end record has no body");
      case HEADER -> header(instance, body);
      case CPU -> HvmCpu.decode(instance, body);
      case PIC -> HvmPic.decode(instance, body);
      case IOAPIC -> HvmIoApic.decode(instance, body);
      case LAPIC -> HvmLapic.decode(instance, body);
      case LAPIC_REGS -> HvmLapicRegisters.decode(instance, body);
      case PCI_IRQ -> HvmPciIrqs.decode(instance, body);
      case ISA_IRQ -> HvmIsaIrqs.decode(instance, body);
      case PCI_LINK -> HvmPciLinks.decode(instance, body);
      case PIT -> HvmPit.decode(instance, body);
      case RTC -> HvmRtc.decode(instance, body);
      case HPET -> HvmHpet.decode(instance, body);
      case PMTIMER -> HvmPmTimer.decode(instance, body);
      case MTRR -> HvmMtrr.decode(instance, body);
      case VIRIDIAN_DOMAIN -> HvmViridianDomain.decode(instance, body);
      case CPU_XSAVE -> HvmXsave.decode(instance, body);
      case VIRIDIAN_VCPU -> HvmViridianVcpu.decode(instance, body);
      case VMCE_VCPU -> HvmVmce.decode(instance, body);
      case TSC_ADJUST -> HvmTscAdjust.decode(instance, body);
      case CPU_MSR -> HvmMsrs.decode(instance, body);
    };
  }

  private static HvmHeader header(int instance, byte[] body) {
    HvmHeader header = HvmHeader.decode(instance, body);
    if (header.magic() != MAGIC || header.version() != VERSION) {
      throw new XenFormatException(
          -1,
          "magic %xh and version %d, not %xh and %d"
              .formatted(header.magic(), header.version(), MAGIC, VERSION));
    }
    return header;
  }

  private static void check(HvmRecordType type, int length) {
    boolean open = type == HvmRecordType.CPU_XSAVE || type == HvmRecordType.CPU_MSR;
    int least = layout(type).sizeBytes();
    if (open ? length < least : length != least) {
      throw new XenFormatException(
          -1,
          "%d octets, Xen 4.17's has %s%d: a context of another version can't be carried"
              .formatted(length, open ? "at least " : "", least));
    }
  }

  static HvmLayout layout(HvmRecordType type) {
    return switch (type) {
      case END -> throw new IllegalArgumentException("the end record has no body");
      case HEADER -> HvmHeader.LAYOUT;
      case CPU -> HvmCpu.LAYOUT;
      case PIC -> HvmPic.LAYOUT;
      case IOAPIC -> HvmIoApic.LAYOUT;
      case LAPIC -> HvmLapic.LAYOUT;
      case LAPIC_REGS -> HvmLapicRegisters.LAYOUT;
      case PCI_IRQ -> HvmPciIrqs.LAYOUT;
      case ISA_IRQ -> HvmIsaIrqs.LAYOUT;
      case PCI_LINK -> HvmPciLinks.LAYOUT;
      case PIT -> HvmPit.LAYOUT;
      case RTC -> HvmRtc.LAYOUT;
      case HPET -> HvmHpet.LAYOUT;
      case PMTIMER -> HvmPmTimer.LAYOUT;
      case MTRR -> HvmMtrr.LAYOUT;
      case VIRIDIAN_DOMAIN -> HvmViridianDomain.LAYOUT;
      case CPU_XSAVE -> HvmXsave.LAYOUT;
      case VIRIDIAN_VCPU -> HvmViridianVcpu.LAYOUT;
      case VMCE_VCPU -> HvmVmce.LAYOUT;
      case TSC_ADJUST -> HvmTscAdjust.LAYOUT;
      case CPU_MSR -> HvmMsrs.LAYOUT;
    };
  }

  /** The octets that Xen reads, the end record included. */
  public byte[] encode() {
    var out = new ByteArrayOutputStream();
    for (HvmRecord record : records) {
      byte[] body = record.body();
      out.writeBytes(descriptor(record.type(), record.instance(), body.length));
      out.writeBytes(body);
    }
    out.writeBytes(descriptor(HvmRecordType.END, 0, 0));
    return out.toByteArray();
  }

  private static byte[] descriptor(HvmRecordType type, int instance, int length) {
    return ByteBuffer.allocate(DESCRIPTOR_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) type.code())
        .putShort((short) instance)
        .putInt(length)
        .array();
  }

  /** The first record. */
  public HvmHeader header() {
    return (HvmHeader) records.getFirst();
  }

  /** All records of a kind, in order. */
  public <T extends HvmRecord> List<T> all(Class<T> kind) {
    return records.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** A record of a kind by its instance. */
  public <T extends HvmRecord> Optional<T> find(Class<T> kind, int instance) {
    return all(kind).stream().filter(record -> record.instance() == instance).findFirst();
  }

  /**
   * A record of a kind by its instance.
   *
   * @throws XenFormatException if it is missing
   */
  <T extends HvmRecord> T require(Class<T> kind, int instance) {
    return find(kind, instance)
        .orElseThrow(() ->
            new XenFormatException(
                -1,
                "the HVM context has no record %s %d"
                    .formatted(kind.getSimpleName().substring(3), instance)));
  }

  /** Returns a copy of {@code elements} if there are {@code count}. */
  static <T> List<T> elements(String member, List<T> elements, int count) {
    if (elements.size() != count) {
      throw new XenFormatException(
          -1, "%s has %d elements, must have %d".formatted(member, elements.size(), count));
    }
    return List.copyOf(elements);
  }

  /** Refuses octets of another number. */
  static void octets(String member, Bytes octets, int count) {
    if (octets.length() != count) {
      throw new XenFormatException(
          -1, "%s has %d octets, must have %d".formatted(member, octets.length(), count));
    }
  }
}

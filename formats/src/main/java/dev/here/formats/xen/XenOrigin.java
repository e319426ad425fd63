package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.PlatformOrigin;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * What a guest of Xen leaves behind when it goes elsewhere, and Xen wants back: the domain's
 * configuration, its CPU policy, parameters, and its device model's state, of which a machine state
 * holds what the guest can see. Kept as the guest's own libxl stream without pages and HVM context,
 * deflated (docs/specs/xen-streams.md, "Origin").
 *
 * @param configuration the domain's configuration, JSON as the tools write it
 * @param cpuid what CPUID gives the guest
 * @param msrs what its policy says of MSRs
 * @param tsc how it is given the time-stamp counter
 * @param params HVM parameters
 * @param xenstore what the device model had in xenstore, if anything
 * @param devices the device model's state
 */
public record XenOrigin(
    Bytes configuration,
    LibxcRecord.CpuidPolicy cpuid,
    LibxcRecord.MsrPolicy msrs,
    LibxcRecord.TscInfo tsc,
    LibxcRecord.HvmParams params,
    Optional<LibxlRecord.EmulatorXenstoreData> xenstore,
    Bytes devices) {
  /** The Xen of whose guests it is. */
  public static final String FORM = "xen-4.17";

  static final int VERSION = 1;

  /** Largest stream that is unpacked. */
  static final int MAX_STREAM_BYTES = 2 << 20;

  private static final int MAJOR = 4;
  private static final int MINOR = 17;

  /** For a machine state. */
  public PlatformOrigin pack() {
    var stream = new ByteArrayOutputStream();
    var writer = new XenStreamWriter(Channels.newChannel(stream));
    try {
      for (XenStreamItem item : head()) {
        writer.write(item);
      }
      for (XenStreamItem item : tail(Optional.empty(), devices)) {
        writer.write(item);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new PlatformOrigin(FORM, VERSION, Bytes.of(deflated(stream.toByteArray())));
  }

  /** What comes before the guest's pages in the stream of {@code xl restore}. */
  List<XenStreamItem> head() {
    return List.of(
        header(),
        new LibxlHeader(0),
        new LibxlRecord.LibxcContext(),
        LibxcHeader.hvm(MAJOR, MINOR),
        cpuid,
        msrs,
        new LibxcRecord.Mark(LibxcRecordType.STATIC_DATA_END));
  }

  /**
   * What comes after them.
   *
   * @param context the HVM context, encoded
   * @param model the device model's state
   */
  List<XenStreamItem> tail(Optional<Bytes> context, Bytes model) {
    var items = new ArrayList<XenStreamItem>();
    items.add(tsc);
    context.ifPresent(octets -> items.add(new LibxcRecord.HvmContextRecord(octets)));
    items.add(params);
    items.add(new LibxcRecord.Mark(LibxcRecordType.END));
    xenstore.ifPresent(items::add);
    items.add(new LibxlRecord.EmulatorContext(LibxlRecord.QEMU_UPSTREAM, 0, model));
    items.add(new LibxlRecord.End());
    return items;
  }

  private XlSaveHeader header() {
    int length = configuration.length() + 1;
    byte[] optional =
        ByteBuffer.allocate(4 + length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(length)
            .put(configuration.toArray())
            .array();
    return new XlSaveHeader(
        XlSaveHeader.FLAG_JSON | XlSaveHeader.FLAG_STREAM_V2, 0, Bytes.of(optional));
  }

  /**
   * Reads what {@link #pack} made, also by way of a peer that is not trusted.
   *
   * @throws XenFormatException if it is of another form or version, or not what it should be
   */
  public static XenOrigin unpack(PlatformOrigin packed) {
    if (!packed.form().equals(FORM) || packed.version() != VERSION) {
      throw new XenFormatException(
          -1,
          "the guest's origin is of form '%s' version %d, only '%s' version %d can go to Xen"
              .formatted(packed.form(), packed.version(), FORM, VERSION));
    }
    byte[] stream = inflated(packed.data().toArray());
    var found = new XenOriginParts();
    try {
      var reader = new XenStreamReader(Channels.newChannel(new ByteArrayInputStream(stream)));
      for (var item = reader.next(); item.isPresent(); item = reader.next()) {
        found.take(item.get());
      }
      if (reader.position() != stream.length) {
        throw new XenFormatException(reader.position(), "octets follow the guest's origin");
      }
    } catch (IOException e) {
      throw new XenFormatException(-1, "the guest's origin is cut short: " + e.getMessage());
    }
    return found.whole();
  }

  private static byte[] deflated(byte[] octets) {
    var deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    try {
      deflater.setInput(octets);
      deflater.finish();
      var out = new ByteArrayOutputStream();
      byte[] piece = new byte[1 << 14];
      while (!deflater.finished()) {
        out.write(piece, 0, deflater.deflate(piece));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }

  private static byte[] inflated(byte[] octets) {
    var inflater = new Inflater(true);
    try {
      inflater.setInput(octets);
      var out = new ByteArrayOutputStream();
      byte[] piece = new byte[1 << 14];
      while (!inflater.finished()) {
        int length = inflater.inflate(piece);
        if (length == 0 && (inflater.needsInput() || inflater.needsDictionary())) {
          throw new XenFormatException(-1, "the guest's origin is cut short");
        }
        out.write(piece, 0, length);
        if (out.size() > MAX_STREAM_BYTES) {
          throw new XenFormatException(
              -1, "the guest's origin has more than %d octets".formatted(MAX_STREAM_BYTES));
        }
      }
      return out.toByteArray();
    } catch (DataFormatException e) {
      throw new XenFormatException(-1, "the guest's origin is not deflated: " + e.getMessage());
    } finally {
      inflater.end();
    }
  }
}

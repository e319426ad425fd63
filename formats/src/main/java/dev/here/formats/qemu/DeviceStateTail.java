package dev.here.formats.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Reads the end of a stream: full device sections, the end mark, and the description. The sections
 * carry no length and what describes them comes after them, so the description is looked for: type
 * 6, a length, and JSON that starts as QEMU's does and describes exactly the bytes before it.
 */
final class DeviceStateTail {
  private static final int MAX_BYTES = 96 << 20;
  private static final int FIRST_BYTES = 256 << 10;
  private static final int MAX_DESCRIPTION_BYTES = 16 << 20;
  private static final int MAX_CANDIDATES = 64;
  private static final int DESCRIPTION = 0x06;
  private static final byte[] JSON_START = {'{', '"', 'p', 'a', 'g', 'e', '_', 's', 'i', 'z', 'e'};

  /** End mark, type and length before the JSON. */
  private static final int PREFIX_BYTES = 6;

  private final StreamInput in;
  private byte[] bytes = new byte[FIRST_BYTES];
  private int length;
  private int scanned;
  private int candidates;
  private final List<Integer> pending = new ArrayList<>();

  private final boolean descriptionDue;

  /**
   * @param descriptionDue false for the file of xen-save-devices-state, which has none
   */
  DeviceStateTail(StreamInput in, boolean descriptionDue) {
    this.in = in;
    this.descriptionDue = descriptionDue;
  }

  record Tail(byte[] deviceState, Optional<VmStateSchema> schema) {}

  Tail read() throws IOException {
    long began = in.position();
    while (true) {
      if (length == bytes.length) {
        grow(began);
      }
      int count = in.some(bytes, length, bytes.length - length);
      if (count < 0) {
        return withoutDescription();
      }
      length += count;
      Optional<Tail> found = scan();
      if (found.isPresent()) {
        return found.get();
      }
    }
  }

  private void grow(long began) {
    if (length >= MAX_BYTES) {
      throw new QemuStreamException(
          began + length,
          "no end of the device state within " + MAX_BYTES + " bytes of its beginning");
    }
    bytes = Arrays.copyOf(bytes, Math.min(MAX_BYTES, 2 * bytes.length));
  }

  /** Looks for starts of a description in what is new, then tries those that are whole. */
  private Optional<Tail> scan() {
    for (; scanned + PREFIX_BYTES + JSON_START.length <= length; scanned++) {
      if (bytes[scanned] == 0 && bytes[scanned + 1] == DESCRIPTION && jsonStarts()) {
        pending.add(scanned);
        if (++candidates > MAX_CANDIDATES) {
          throw new QemuStreamException(
              in.position(), "more than " + MAX_CANDIDATES + " false device state descriptions");
        }
      }
    }
    for (int i = 0; i < pending.size(); i++) {
      int mark = pending.get(i);
      long size = Integer.toUnsignedLong(ByteBuffer.wrap(bytes).getInt(mark + 2));
      if (size < JSON_START.length || size > MAX_DESCRIPTION_BYTES) {
        pending.remove(i--);
      } else if (mark + PREFIX_BYTES + size <= length) {
        pending.remove(i--);
        Optional<Tail> tail = accept(mark, (int) size);
        if (tail.isPresent()) {
          return tail;
        }
      }
    }
    return Optional.empty();
  }

  private boolean jsonStarts() {
    int start = scanned + PREFIX_BYTES;
    return Arrays.equals(bytes, start, start + JSON_START.length, JSON_START, 0, JSON_START.length);
  }

  /**
   * A description counts if it describes the bytes before it. A guest can put a false one into a
   * device's buffer; nothing arrives after the true one until the sender is answered, so the
   * refusal of one that ends with the arrived bytes is final.
   */
  private Optional<Tail> accept(int mark, int size) {
    int start = mark + PREFIX_BYTES;
    int end = start + size;
    byte[] state = Arrays.copyOf(bytes, mark + 1);
    try {
      VmStateSchema schema = VmStateSchema.parse(Arrays.copyOfRange(bytes, start, end));
      VmStateReader.read(schema, state);
      in.giveBack(bytes, end, length - end);
      return Optional.of(new Tail(state, Optional.of(schema)));
    } catch (QemuStreamException refused) {
      if (end == length) {
        throw refused;
      }
      return Optional.empty();
    }
  }

  /** A file of device state alone ends with its end mark. */
  private Tail withoutDescription() throws EOFException {
    if (descriptionDue || length == 0 || bytes[length - 1] != 0) {
      throw new EOFException(
          "the stream ended within the device state, after "
              + length
              + " bytes of it: the sender has gone or the file is cut short");
    }
    return new Tail(Arrays.copyOf(bytes, length), Optional.empty());
  }
}

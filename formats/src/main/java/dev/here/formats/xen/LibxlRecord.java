package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** A record of libxl's stream. */
public sealed interface LibxlRecord extends XenStreamItem {
  /** Emulator identity: QEMU as Xen 4.2 and later use it. */
  long QEMU_UPSTREAM = 2;

  /** Its type on the wire. */
  long type();

  /** The stream is complete. */
  record End() implements LibxlRecord {
    @Override
    public long type() {
      return 0;
    }
  }

  /** libxc's stream follows. */
  record LibxcContext() implements LibxlRecord {
    @Override
    public long type() {
      return 1;
    }
  }

  /**
   * What the device model has in xenstore.
   *
   * @param emulatorId which kind
   * @param index which one
   * @param data keys and values in turn, each ended by NUL
   */
  record EmulatorXenstoreData(long emulatorId, long index, Bytes data) implements LibxlRecord {
    @Override
    public long type() {
      return 2;
    }

    /**
     * The values by key, in order.
     *
     * @throws XenFormatException if the data do not end with a value's NUL or repeat a key
     */
    public Map<String, String> entries() {
      var entries = new LinkedHashMap<String, String>();
      int at = 0;
      while (at < data.length()) {
        int key = text(at);
        int value = text(key);
        String name = string(at, key);
        if (entries.put(name, string(key, value)) != null) {
          throw new XenFormatException(-1, "xenstore key '" + name + "' comes twice");
        }
        at = value;
      }
      return entries;
    }

    private String string(int begin, int end) {
      return new String(data.slice(begin, end - 1).toArray(), StandardCharsets.ISO_8859_1);
    }

    /** The place after the NUL that ends the text at {@code begin}. */
    private int text(int begin) {
      for (int at = begin; at < data.length(); at++) {
        if (data.at(at) == 0) {
          return at + 1;
        }
      }
      throw new XenFormatException(-1, "xenstore data do not end with a value's NUL");
    }
  }

  /**
   * The device model's own state.
   *
   * @param emulatorId which kind
   * @param index which one
   * @param context for QEMU its device state as {@code xen-save-devices-state} writes it
   */
  record EmulatorContext(long emulatorId, long index, Bytes context) implements LibxlRecord {
    @Override
    public long type() {
      return 3;
    }
  }

  /** A checkpoint is complete; libxc's records of the next follow. */
  record CheckpointEnd() implements LibxlRecord {
    @Override
    public long type() {
      return 4;
    }
  }

  /**
   * COLO's hand-shake.
   *
   * @param controlId what is said
   * @param reserved kept
   */
  record CheckpointState(long controlId, long reserved) implements LibxlRecord {
    @Override
    public long type() {
      return 5;
    }
  }

  /**
   * A record that a reader may leave aside.
   *
   * @param type bit 31 is set
   * @param body not understood
   */
  record Optional(long type, Bytes body) implements LibxlRecord {}
}

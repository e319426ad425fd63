package dev.here.formats.state;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;

/** Writes a machine state as {@link StateBinding} would, octet for octet, without reflection. */
final class StateWriter {
  /** A state of two vCPUs fits; a larger one makes the buffer grow. */
  private static final int USUAL_BYTES = 64 << 10;

  private static final byte[] DIGITS = "0123456789abcdef".getBytes(US_ASCII);

  private final JsonGenerator json;

  /** The digits of one run of octets; kept for the next. */
  private byte[] hex = new byte[4096];

  private StateWriter(JsonGenerator json) {
    this.json = json;
  }

  static byte[] encode(MachineState state) {
    ByteArrayOutputStream octets = new ByteArrayOutputStream(USUAL_BYTES);
    try (JsonGenerator json =
        MachineStateCodec.JSON.createGenerator(ObjectWriteContext.empty(), octets)) {
      new StateWriter(json).object(state, MachineJson.MACHINE);
    }
    return octets.toByteArray();
  }

  void int32(String name, int value) {
    json.writeName(name);
    json.writeNumber(value);
  }

  void int64(String name, long value) {
    json.writeName(name);
    json.writeNumber(value);
  }

  void flag(String name, boolean value) {
    json.writeName(name);
    json.writeBoolean(value);
  }

  void text(String name, String value) {
    json.writeName(name);
    json.writeString(value);
  }

  void constant(String name, Enum<?> value) {
    json.writeName(name);
    json.writeString(value.name());
  }

  void octets(String name, Bytes value) {
    json.writeName(name);
    octets(value);
  }

  <T> void object(String name, T value, RecordJson<T> members) {
    json.writeName(name);
    object(value, members);
  }

  <T> void optional(String name, Optional<T> value, RecordJson<T> members) {
    json.writeName(name);
    if (value.isPresent()) {
      object(value.get(), members);
    } else {
      json.writeNull();
    }
  }

  void optionalInt32(String name, Optional<Integer> value) {
    json.writeName(name);
    if (value.isPresent()) {
      json.writeNumber(value.get());
    } else {
      json.writeNull();
    }
  }

  <T> void list(String name, List<T> values, RecordJson<T> members) {
    json.writeName(name);
    json.writeStartArray();
    for (T value : values) {
      object(value, members);
    }
    json.writeEndArray();
  }

  void int32List(String name, List<Integer> values) {
    json.writeName(name);
    json.writeStartArray();
    for (int value : values) {
      json.writeNumber(value);
    }
    json.writeEndArray();
  }

  void int64List(String name, List<Long> values) {
    json.writeName(name);
    json.writeStartArray();
    for (long value : values) {
      json.writeNumber(value);
    }
    json.writeEndArray();
  }

  void octetsList(String name, List<Bytes> values) {
    json.writeName(name);
    json.writeStartArray();
    for (Bytes value : values) {
      octets(value);
    }
    json.writeEndArray();
  }

  private <T> void object(T value, RecordJson<T> members) {
    json.writeStartObject();
    members.write(value, this);
    json.writeEndObject();
  }

  private void octets(Bytes value) {
    int digits = 2 * value.length();
    if (hex.length < digits) {
      hex = new byte[digits];
    }
    for (int at = 0; at < digits; at += 2) {
      int octet = value.at(at / 2);
      hex[at] = DIGITS[octet >> 4];
      hex[at + 1] = DIGITS[octet & 15];
    }
    json.writeRawUTF8String(hex, 0, digits);
  }
}

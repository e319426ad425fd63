package dev.here.formats.state;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import dev.here.machine.TranslationReport;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/**
 * Machine states as UTF-8 JSON: every record component by its name, 64-bit values as signed decimal
 * numbers, octets as hexadecimal strings. Reading is strict: an unknown, missing, null or
 * out-of-range member is refused.
 *
 * <p>Described in docs/specs/checkpoint-file.md.
 */
public final class MachineStateCodec {
  /** Largest encoded state that is read, octets. */
  public static final int MAX_STATE_BYTES = 8 << 20;

  private static final JsonMapper MAPPER = mapper();

  private MachineStateCodec() {}

  /** The encoded state. */
  public static byte[] encode(MachineState state) {
    return MAPPER.writeValueAsBytes(state);
  }

  /** The encoded report. */
  public static byte[] encode(TranslationReport report) {
    return MAPPER.writeValueAsBytes(report);
  }

  /**
   * Reads what {@link #encode(MachineState)} wrote.
   *
   * @throws StateFormatException naming the member that is wrong
   */
  public static MachineState decode(byte[] json) {
    return decode(MachineStateUpgrade.upgraded(json, MAPPER), MachineState.class);
  }

  /** Reads what {@link #encode(TranslationReport)} wrote. */
  public static TranslationReport decodeReport(byte[] json) {
    return decode(json, TranslationReport.class);
  }

  /** A state, or any of its parts, as a tree for showing and comparing. */
  public static JsonNode tree(Object part) {
    return MAPPER.valueToTree(part);
  }

  private static <T> T decode(byte[] json, Class<T> type) {
    if (json.length > MAX_STATE_BYTES) {
      throw new StateFormatException(
          "machine state of %d octets, at most %d are read"
              .formatted(json.length, MAX_STATE_BYTES));
    }
    try {
      return MAPPER.readValue(json, type);
    } catch (JacksonException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof InvalidMachineStateException) {
          throw new StateFormatException("machine state refused: " + cause.getMessage(), e);
        }
      }
      throw new StateFormatException("machine state refused: " + firstLine(e), e);
    }
  }

  private static String firstLine(JacksonException e) {
    String where = e.getPathReference();
    String what = e.getOriginalMessage().lines().findFirst().orElse("malformed");
    return where.isEmpty() ? what : what + " at " + where;
  }

  private static JsonMapper mapper() {
    StreamReadConstraints bounds =
        StreamReadConstraints.builder()
            .maxNestingDepth(32)
            .maxDocumentLength(MAX_STATE_BYTES)
            .maxStringLength(1 << 20)
            .maxNumberLength(24)
            .maxNameLength(64)
            .build();
    SimpleModule module = new SimpleModule();
    module.addSerializer(Bytes.class, new BytesWriter());
    module.addDeserializer(Bytes.class, new BytesReader());
    return JsonMapper.builder(JsonFactory.builder().streamReadConstraints(bounds).build())
        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
        .addModule(module)
        .build();
  }

  private static final class BytesWriter extends ValueSerializer<Bytes> {
    @Override
    public void serialize(Bytes value, JsonGenerator out, SerializationContext context) {
      out.writeString(value.toString());
    }
  }

  private static final class BytesReader extends ValueDeserializer<Bytes> {
    @Override
    public Bytes deserialize(JsonParser in, DeserializationContext context) {
      return Bytes.parse(in.getValueAsString(""));
    }
  }

  /** The encoded form as text, for people. */
  public static String text(byte[] json) {
    return new String(json, StandardCharsets.UTF_8);
  }
}

package dev.here.formats.state;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/**
 * Records as JSON by Jackson's data binding, which finds their components by reflection: for all
 * that is not a machine state as {@link StateWriter} writes it, and the judge of what is refused.
 */
final class StateBinding {
  static final JsonMapper MAPPER = mapper();

  private StateBinding() {}

  /**
   * Reads a {@code type}.
   *
   * @throws StateFormatException naming the member that is wrong
   */
  static <T> T decode(byte[] json, Class<T> type) {
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
    SimpleModule module = new SimpleModule();
    module.addSerializer(Bytes.class, new BytesWriter());
    module.addDeserializer(Bytes.class, new BytesReader());
    return JsonMapper.builder(MachineStateCodec.JSON)
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
}

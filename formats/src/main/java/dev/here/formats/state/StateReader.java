package dev.here.formats.state;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * Reads machine states as {@link StateWriter} writes them: every member, in its order, of its type.
 * It gives up at anything else, and does not say why: {@link StateBinding} then reads the same
 * octets, and either refuses them with a reason or takes what is merely written in another way. So
 * nothing may be taken here that {@link StateBinding} would refuse.
 */
final class StateReader {
  private final JsonParser json;

  private StateReader(JsonParser json) {
    this.json = json;
  }

  /** The state, or nothing where {@code octets} are not what {@link StateWriter} writes. */
  static Optional<MachineState> tryDecode(byte[] octets) {
    try (JsonParser json = MachineStateCodec.JSON.createParser(ObjectReadContext.empty(), octets)) {
      StateReader in = new StateReader(json);
      MachineState state = in.object(json.nextToken(), MachineJson.MACHINE);
      return json.nextToken() == null ? Optional.of(state) : Optional.empty();
    } catch (OtherwiseWritten | JacksonException | InvalidMachineStateException e) {
      return Optional.empty();
    }
  }

  int int32(String name) {
    return int32(value(name));
  }

  long int64(String name) {
    return int64(value(name));
  }

  boolean flag(String name) {
    JsonToken token = value(name);
    expect(token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE);
    return token == JsonToken.VALUE_TRUE;
  }

  String text(String name) {
    expect(value(name) == JsonToken.VALUE_STRING);
    return json.getString();
  }

  /**
   * The one of {@code constants} that has the member's text for its name. They are given because
   * {@link Enum#valueOf} finds them by reflection.
   */
  <E extends Enum<E>> E constant(String name, E[] constants) {
    String text = text(name);
    for (E constant : constants) {
      if (constant.name().equals(text)) {
        return constant;
      }
    }
    throw OtherwiseWritten.SIGNAL;
  }

  Bytes octets(String name) {
    return octets(value(name));
  }

  <T> T object(String name, RecordJson<T> members) {
    return object(value(name), members);
  }

  <T> Optional<T> optional(String name, RecordJson<T> members) {
    JsonToken token = value(name);
    return token == JsonToken.VALUE_NULL ? Optional.empty() : Optional.of(object(token, members));
  }

  Optional<Integer> optionalInt32(String name) {
    JsonToken token = value(name);
    return token == JsonToken.VALUE_NULL ? Optional.empty() : Optional.of(int32(token));
  }

  <T> List<T> list(String name, RecordJson<T> members) {
    List<T> values = new ArrayList<>();
    expect(value(name) == JsonToken.START_ARRAY);
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      values.add(object(token, members));
    }
    return values;
  }

  List<Integer> int32List(String name) {
    List<Integer> values = new ArrayList<>();
    expect(value(name) == JsonToken.START_ARRAY);
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      values.add(int32(token));
    }
    return values;
  }

  List<Long> int64List(String name) {
    List<Long> values = new ArrayList<>();
    expect(value(name) == JsonToken.START_ARRAY);
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      values.add(int64(token));
    }
    return values;
  }

  List<Bytes> octetsList(String name) {
    List<Bytes> values = new ArrayList<>();
    expect(value(name) == JsonToken.START_ARRAY);
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      values.add(octets(token));
    }
    return values;
  }

  /** The first token of the value of the next member, which must be {@code name}. */
  private JsonToken value(String name) {
    expect(name.equals(json.nextName()));
    return next();
  }

  private JsonToken next() {
    JsonToken token = json.nextToken();
    if (token == null) {
      throw OtherwiseWritten.SIGNAL;
    }
    return token;
  }

  private <T> T object(@Nullable JsonToken token, RecordJson<T> members) {
    expect(token == JsonToken.START_OBJECT);
    T value = members.read(this);
    expect(json.nextToken() == JsonToken.END_OBJECT);
    return value;
  }

  private int int32(JsonToken token) {
    expect(token == JsonToken.VALUE_NUMBER_INT);
    return json.getIntValue();
  }

  private long int64(JsonToken token) {
    expect(token == JsonToken.VALUE_NUMBER_INT);
    return json.getLongValue();
  }

  private Bytes octets(JsonToken token) {
    expect(token == JsonToken.VALUE_STRING);
    char[] text = json.getStringCharacters();
    int begin = json.getStringOffset();
    int digits = json.getStringLength();
    expect(digits % 2 == 0);
    byte[] octets = new byte[digits / 2];
    for (int at = 0; at < octets.length; at++) {
      octets[at] = (byte) (digit(text[begin + 2 * at]) << 4 | digit(text[begin + 2 * at + 1]));
    }
    return Bytes.of(octets);
  }

  private static int digit(char character) {
    if (character >= '0' && character <= '9') {
      return character - '0';
    }
    expect(character >= 'a' && character <= 'f');
    return character - 'a' + 10;
  }

  private static void expect(boolean asWritten) {
    if (!asWritten) {
      throw OtherwiseWritten.SIGNAL;
    }
  }

  /** Ends the reading; carries nothing, since {@link StateBinding} finds the reason. */
  private static final class OtherwiseWritten extends RuntimeException {
    static final OtherwiseWritten SIGNAL = new OtherwiseWritten();

    private OtherwiseWritten() {
      super(null, null, false, false);
    }
  }
}

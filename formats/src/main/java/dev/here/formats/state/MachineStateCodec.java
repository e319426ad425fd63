package dev.here.formats.state;

import dev.here.machine.MachineState;
import dev.here.machine.TranslationReport;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;

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

  /** Bounds whatever is read, by either way. */
  static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(32)
                  .maxDocumentLength(MAX_STATE_BYTES)
                  .maxStringLength(1 << 20)
                  .maxNumberLength(24)
                  .maxNameLength(64)
                  .build())
          .build();

  private MachineStateCodec() {}

  /** The encoded state. */
  public static byte[] encode(MachineState state) {
    return StateWriter.encode(state);
  }

  /** The encoded report. */
  public static byte[] encode(TranslationReport report) {
    return StateBinding.MAPPER.writeValueAsBytes(report);
  }

  /**
   * Reads what {@link #encode(MachineState)} wrote.
   *
   * @throws StateFormatException naming the member that is wrong
   */
  public static MachineState decode(byte[] json) {
    byte[] current = MachineStateUpgrade.upgraded(json);
    checkLength(current);
    Optional<MachineState> state = StateReader.tryDecode(current);
    return state.isPresent() ? state.get() : StateBinding.decode(current, MachineState.class);
  }

  /** Reads what {@link #encode(TranslationReport)} wrote. */
  public static TranslationReport decodeReport(byte[] json) {
    checkLength(json);
    return StateBinding.decode(json, TranslationReport.class);
  }

  /** A state, or any of its parts, as a tree for showing and comparing. */
  public static JsonNode tree(Object part) {
    return StateBinding.MAPPER.valueToTree(part);
  }

  private static void checkLength(byte[] json) {
    if (json.length > MAX_STATE_BYTES) {
      throw new StateFormatException(
          "machine state of %d octets, at most %d are read"
              .formatted(json.length, MAX_STATE_BYTES));
    }
  }

  /** The encoded form as text, for people. */
  public static String text(byte[] json) {
    return new String(json, StandardCharsets.UTF_8);
  }
}

package dev.here.formats.state;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Makes a machine state of the version before this one a state of this version. */
final class MachineStateUpgrade {
  /** The version stands first in what this program writes. */
  private static final byte[] BEFORE = "{\"version\":1,".getBytes(StandardCharsets.US_ASCII);

  private MachineStateUpgrade() {}

  /** {@code json} itself unless it is of version 1, which had no {@code platform.origin}. */
  static byte[] upgraded(byte[] json) {
    if (json.length < BEFORE.length
        || !Arrays.equals(json, 0, BEFORE.length, BEFORE, 0, BEFORE.length)
        || json.length > MachineStateCodec.MAX_STATE_BYTES) {
      return json;
    }
    try {
      JsonNode state = StateBinding.MAPPER.readTree(json);
      if (state instanceof ObjectNode root
          && state.path("platform") instanceof ObjectNode platform
          && !platform.has("origin")) {
        root.put("version", 2);
        platform.putNull("origin");
      }
      return StateBinding.MAPPER.writeValueAsBytes(state);
    } catch (JacksonException e) {
      // What is no JSON is refused, with its place, by whoever reads it next.
      return json;
    }
  }
}

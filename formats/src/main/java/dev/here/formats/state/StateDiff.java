package dev.here.formats.state;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What differs between two machine states, member by member. */
public final class StateDiff {
  /**
   * One difference.
   *
   * @param path where, for example {@code vcpus[0].general.rip}
   * @param before the first state's value, {@code absent} where it has none
   * @param after the second state's value
   */
  public record Difference(String path, String before, String after) {}

  private final List<Difference> differences = new ArrayList<>();

  private StateDiff() {}

  /**
   * All differences between two trees, as {@link MachineStateCodec#tree} gives them, in document
   * order.
   */
  public static List<Difference> between(JsonNode before, JsonNode after) {
    StateDiff diff = new StateDiff();
    diff.compare("", before, after);
    return List.copyOf(diff.differences);
  }

  private void compare(String path, JsonNode before, JsonNode after) {
    if (before.isObject() && after.isObject()) {
      for (var member : before.properties()) {
        JsonNode other = after.path(member.getKey());
        compare(
            path.isEmpty() ? member.getKey() : path + "." + member.getKey(),
            member.getValue(),
            other);
      }
      for (var member : after.properties()) {
        if (!before.has(member.getKey())) {
          note(path + "." + member.getKey(), before.path(member.getKey()), member.getValue());
        }
      }
    } else if (before.isArray() && after.isArray()) {
      for (int at = 0; at < Math.max(before.size(), after.size()); at++) {
        compare(path + "[" + at + "]", before.path(at), after.path(at));
      }
    } else if (!before.equals(after)) {
      note(path, before, after);
    }
  }

  private void note(String path, JsonNode before, JsonNode after) {
    differences.add(new Difference(path, text(before), text(after)));
  }

  private static String text(JsonNode node) {
    if (node.isMissingNode()) {
      return "absent";
    }
    return node.isContainer() ? node.toString() : StateText.scalar(node);
  }
}

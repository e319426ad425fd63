package dev.here.formats.state;

import tools.jackson.databind.JsonNode;

/**
 * A machine state for people: an indented outline, 64-bit values in hexadecimal, one line for each
 * element of a list of simple records.
 */
public final class StateText {
  private static final int MAX_OCTETS_SHOWN = 64;

  private final StringBuilder out = new StringBuilder();

  private StateText() {}

  /** Renders {@code tree}, as {@link MachineStateCodec#tree} gives it. */
  public static String render(JsonNode tree) {
    StateText text = new StateText();
    text.members(tree, 0);
    return text.out.toString();
  }

  private void members(JsonNode node, int depth) {
    for (var member : node.properties()) {
      value(member.getKey(), member.getValue(), depth);
    }
  }

  private void value(String name, JsonNode node, int depth) {
    if (node.isArray() && !node.isEmpty() && !isFlat(node)) {
      line(depth, name + ": " + node.size());
      int index = 0;
      for (JsonNode element : node) {
        if (element.isObject() && !isSimple(element)) {
          line(depth + 1, "[" + index + "]");
          members(element, depth + 2);
        } else {
          line(depth + 1, "[" + index + "] " + inline(element));
        }
        index++;
      }
    } else if (node.isObject() && !isSimple(node)) {
      line(depth, name + ":");
      members(node, depth + 1);
    } else {
      line(depth, name + ": " + inline(node));
    }
  }

  private void line(int depth, String text) {
    out.repeat("  ", depth).append(text).append('\n');
  }

  private static boolean isFlat(JsonNode array) {
    for (JsonNode element : array) {
      if (element.isContainer()) {
        return false;
      }
    }
    return array.size() <= 8;
  }

  private static boolean isSimple(JsonNode object) {
    for (JsonNode member : object) {
      if (member.isContainer() || member.isString() && member.stringValue().length() > 40) {
        return false;
      }
    }
    return object.size() <= 12;
  }

  private static String inline(JsonNode node) {
    if (node.isNull()) {
      return "none";
    }
    if (node.isObject()) {
      StringBuilder text = new StringBuilder();
      for (var member : node.properties()) {
        text.append(text.isEmpty() ? "" : " ")
            .append(member.getKey())
            .append('=')
            .append(inline(member.getValue()));
      }
      return text.toString();
    }
    if (node.isArray()) {
      StringBuilder text = new StringBuilder("[");
      for (JsonNode element : node) {
        text.append(text.length() == 1 ? "" : ", ").append(inline(element));
      }
      return text.append(']').toString();
    }
    return scalar(node);
  }

  /** One value: numbers beyond 9999 in hexadecimal, long octet strings cut. */
  static String scalar(JsonNode node) {
    if (node.isIntegralNumber()) {
      long value = node.longValue();
      return value >= 0 && value <= 9999 ? Long.toString(value) : "0x" + Long.toHexString(value);
    }
    if (node.isString() && node.stringValue().length() > 2 * MAX_OCTETS_SHOWN) {
      String octets = node.stringValue();
      return octets.substring(0, 2 * MAX_OCTETS_SHOWN)
          + "... (%d octets)".formatted(octets.length() / 2);
    }
    return node.asString();
  }
}

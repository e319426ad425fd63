package dev.here.formats.xen;

import dev.here.formats.state.MachineStateCodec;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Items of a stream for people and for programs: a line of text, or a JSON object on a line, an
 * item; an HVM context gives a further line a save record. Memory's contents are counted, not
 * shown.
 */
public final class XenStreamText {
  private static final int SHOWN_CHARS = 160;

  private XenStreamText() {}

  /**
   * Lines of text.
   *
   * @param position where the item began, octets from the stream's beginning
   */
  public static List<String> text(long position, XenStreamItem item) {
    return lines(position, item).map(XenStreamText::line).toList();
  }

  /** Lines of JSON, each with {@code at}, {@code layer}, {@code record} and the members. */
  public static List<String> json(long position, XenStreamItem item) {
    return lines(position, item).map(JsonNode::toString).toList();
  }

  /** Lines of text of a context that stands by itself. */
  public static List<String> text(HvmContext context) {
    return context.records().stream().map(XenStreamText::record).map(XenStreamText::line).toList();
  }

  /** Lines of JSON of a context that stands by itself. */
  public static List<String> json(HvmContext context) {
    return context.records().stream().map(record -> record(record).toString()).toList();
  }

  private static Stream<ObjectNode> lines(long position, XenStreamItem item) {
    return switch (item) {
      case XlSaveHeader header -> Stream.of(node(position, "xl", "HEADER", header));
      case LibxlHeader header -> Stream.of(node(position, "libxl", "HEADER", header));
      case LibxcHeader header -> Stream.of(node(position, "libxc", "HEADER", header));
      case LibxlRecord record ->
          Stream.of(node(position, "libxl", record.getClass().getSimpleName(), record));
      case LibxcRecord.PageData data -> Stream.of(pages(position, data));
      case LibxcRecord.HvmContextRecord context -> context(position, context);
      case LibxcRecord record ->
          Stream.of(
              node(
                  position,
                  "libxc",
                  LibxcRecordType.of(record.type()).map(Enum::name).orElse("OPTIONAL"),
                  record));
    };
  }

  private static ObjectNode head(long position, String layer, String name) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("at", position);
    node.put("layer", layer);
    node.put("record", name);
    return node;
  }

  private static ObjectNode node(long position, String layer, String name, XenStreamItem item) {
    ObjectNode node = head(position, layer, name);
    node.setAll((ObjectNode) MachineStateCodec.tree(item));
    return node;
  }

  private static ObjectNode pages(long position, LibxcRecord.PageData data) {
    ObjectNode node = head(position, "libxc", "PAGE_DATA");
    node.put("pages", data.entries().size());
    node.put("withContents", data.pages().length / LibxcRecord.PageData.PAGE_BYTES);
    node.put("firstGfn", data.entries().getFirst().gfn());
    node.put("lastGfn", data.entries().getLast().gfn());
    return node;
  }

  private static Stream<ObjectNode> context(long position, LibxcRecord.HvmContextRecord context) {
    ObjectNode node = head(position, "libxc", "HVM_CONTEXT");
    node.put("octets", context.octets().length());
    return Stream.concat(
        Stream.of(node), context.decode().records().stream().map(XenStreamText::record));
  }

  private static ObjectNode record(HvmRecord record) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("layer", "hvm");
    node.put("record", record.type().name());
    node.setAll((ObjectNode) MachineStateCodec.tree(record));
    return node;
  }

  private static String line(ObjectNode node) {
    var text = new StringBuilder();
    node.properties()
        .forEach(member -> {
          String value =
              member.getValue().isString()
                  ? member.getValue().asString()
                  : member.getValue().toString();
          String shown =
              value.length() > SHOWN_CHARS
                  ? value.substring(0, SHOWN_CHARS) + "... (" + value.length() + ")"
                  : value;
          boolean named = !member.getKey().equals("layer") && !member.getKey().equals("record");
          text.append(text.isEmpty() ? "" : " ");
          text.append(named ? member.getKey() + "=" + shown : shown);
        });
    return text.toString();
  }
}

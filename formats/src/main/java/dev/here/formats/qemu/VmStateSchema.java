package dev.here.formats.qemu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * QEMU's own description of a device state: the JSON that closes a migration stream
 * (docs/specs/qemu-vmstate.md). It lists the sections in stream order and, for each, the fields
 * with type and size. It describes the state at that instant: optional parts may be absent or
 * present later.
 */
public final class VmStateSchema {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_SECTIONS = 4096;
  private static final int MAX_ARRAY = 1 << 20;
  private static final int MAX_FIELD_BYTES = 16 << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(4096)
                          .maxNameLength(4096)
                          .maxNumberLength(32)
                          .build())
                  .build())
          .build();

  private final List<Section> sections;

  private VmStateSchema(List<Section> sections) {
    this.sections = sections;
  }

  /**
   * One section of the device state.
   *
   * @param name section name, e.g. {@code 0000:00:01.3/piix4_pm}
   * @param instance tells sections of the same name apart
   * @param layout the fields; empty for a section of the old kind, which only has a size
   */
  public record Section(String name, long instance, Optional<Layout> layout) {}

  /**
   * The fields of a section, of a structure in it or of a subsection, in stream order.
   *
   * @param vmsdName QEMU's name of the structure, e.g. {@code cpu/steal_time_msr}
   * @param version version of the structure
   * @param fields the fields
   * @param subsections those present when the description was made
   */
  public record Layout(
      String vmsdName, long version, List<Field> fields, List<Layout> subsections) {}

  /**
   * One field.
   *
   * @param name name in QEMU's source
   * @param type QEMU's type word, e.g. {@code uint32}, {@code struct}, {@code buffer}
   * @param sizeBytes bytes of one element
   * @param count elements; 1 for a scalar
   * @param array whether it is an array of {@code count} like elements
   * @param index place in an array whose elements are described one by one, or -1
   * @param struct the structure's fields where the type is {@code struct}
   */
  public record Field(
      String name,
      String type,
      int sizeBytes,
      int count,
      boolean array,
      int index,
      Optional<Layout> struct) {}

  /** The sections in stream order. */
  public List<Section> sections() {
    return sections;
  }

  /** The section of a name and instance. */
  Optional<Section> section(String name, long instance) {
    for (Section section : sections) {
      if (section.instance() == instance && section.name().equals(name)) {
        return Optional.of(section);
      }
    }
    return Optional.empty();
  }

  /** The section of a device of that kind, wherever it sits on the PCI bus. */
  Optional<Section> sectionOfDevice(String name, long instance) {
    String device = name.substring(name.indexOf('/') + 1);
    for (Section section : sections) {
      if (section.name().equals(device)) {
        return Optional.of(new Section(name, instance, section.layout()));
      }
    }
    return Optional.empty();
  }

  /** The devices of QEMU 7.2's i440FX machines, each once, as QEMU described them. */
  static VmStateSchema ofDevices() {
    return Devices.SCHEMA;
  }

  /** Parsed when it is first needed. */
  private static final class Devices {
    private static final String FILE = "devices-7.2.json";
    private static final VmStateSchema SCHEMA = read();

    private static VmStateSchema read() {
      try (InputStream file = VmStateSchema.class.getResourceAsStream(FILE)) {
        if (file == null) {
          throw new IllegalStateException(FILE + " is missing from the program");
        }
        return parse(file.readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * Parses a description.
   *
   * @param json UTF-8 JSON
   * @throws QemuStreamException if it is not such a description
   */
  public static VmStateSchema parse(byte[] json) {
    try {
      JsonNode root = JSON.readTree(json);
      JsonNode devices = root.path("devices");
      if (!devices.isArray() || devices.size() > MAX_SECTIONS) {
        throw refused("has no list 'devices' of at most " + MAX_SECTIONS + " entries");
      }
      var sections = new ArrayList<Section>();
      Set<String> seen = new HashSet<>();
      for (JsonNode device : devices) {
        Section section = section(device);
        if (!seen.add(section.name() + '\0' + section.instance())) {
          throw refused("lists section '" + RamPages.printable(section.name()) + "' twice");
        }
        sections.add(section);
      }
      return new VmStateSchema(List.copyOf(sections));
    } catch (JacksonException e) {
      throw refused("is not JSON: " + e.getOriginalMessage());
    }
  }

  private static Section section(JsonNode device) {
    String name = text(device, "name");
    long instance = number(device, "instance_id", 0, 0xffffffffL);
    if (!device.has("vmsd_name")) {
      return new Section(name, instance, Optional.empty());
    }
    return new Section(name, instance, Optional.of(layout(device)));
  }

  private static Layout layout(JsonNode node) {
    var fields = new ArrayList<Field>();
    for (JsonNode field : list(node, "fields")) {
      fields.add(field(field));
    }
    var subsections = new ArrayList<Layout>();
    for (JsonNode subsection : list(node, "subsections")) {
      subsections.add(layout(subsection));
    }
    return new Layout(
        text(node, "vmsd_name"),
        node.has("version") ? number(node, "version", 0, 0xffffffffL) : 0,
        List.copyOf(fields),
        List.copyOf(subsections));
  }

  private static Field field(JsonNode node) {
    boolean array = node.has("array_len");
    JsonNode struct = node.path("struct");
    return new Field(
        text(node, "name"),
        text(node, "type"),
        (int) number(node, "size", 0, MAX_FIELD_BYTES),
        array ? (int) number(node, "array_len", 0, MAX_ARRAY) : 1,
        array,
        node.has("index") ? (int) number(node, "index", 0, MAX_ARRAY) : -1,
        struct.isObject() ? Optional.of(layout(struct)) : temporary(node));
  }

  /** A structure that QEMU builds only for the stream is described in the field itself. */
  private static Optional<Layout> temporary(JsonNode node) {
    return node.has("fields") ? Optional.of(layout(node)) : Optional.empty();
  }

  private static List<JsonNode> list(JsonNode node, String name) {
    JsonNode list = node.path(name);
    if (list.isMissingNode()) {
      return List.of();
    }
    if (!list.isArray()) {
      throw refused("has '" + name + "' that is not a list");
    }
    var out = new ArrayList<JsonNode>(list.size());
    list.forEach(out::add);
    return out;
  }

  private static String text(JsonNode node, String name) {
    JsonNode value = node.path(name);
    if (!value.isString()) {
      throw refused("has an entry without text '" + name + "'");
    }
    return value.asString();
  }

  private static long number(JsonNode node, String name, long low, long high) {
    JsonNode value = node.path(name);
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw refused("has an entry without number '" + name + "'");
    }
    long number = value.asLong();
    if (number < low || number > high) {
      throw refused("has '" + name + "' " + number + ", outside " + low + " to " + high);
    }
    return number;
  }

  private static QemuStreamException refused(String reason) {
    return new QemuStreamException(-1, "the device state's description " + reason);
  }
}

package dev.here.formats.qemu;

import dev.here.formats.qemu.VmStateSchema.Field;
import dev.here.formats.qemu.VmStateSchema.Layout;
import dev.here.formats.qemu.VmStateSchema.Section;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Decodes a device state by QEMU's description of it (docs/specs/qemu-vmstate.md). What the
 * description can't tell comes from knowledge of QEMU 7.2: subsections and fields that come and go
 * ({@link VmStateKnowledge}), virtio devices ({@link VirtioSectionReader}).
 */
public final class VmStateReader {
  static final long FILE_MAGIC = 0x5145564dL;
  static final long FILE_VERSION = 3;

  /** From so many elements on a table is looked for in the state before. */
  private static final int LARGE_TABLE = 64;

  private final VmStateSchema schema;
  private final StateCursor in;
  private final boolean alone;
  private final DecodedSections earlier;
  private final DecodedSections.Builder sections;

  /**
   * @param alone a file of device state without footers, whose sections are known by what device
   *     they are of
   * @param earlier sections that need not be decoded where they come again
   */
  private VmStateReader(
      VmStateSchema schema, byte[] state, boolean alone, DecodedSections earlier) {
    this.schema = schema;
    this.in = new StateCursor(state);
    this.alone = alone;
    this.earlier = earlier;
    this.sections = new DecodedSections.Builder(state, earlier);
  }

  /**
   * Decodes a whole device state.
   *
   * @param schema description from the beginning of the same connection or file
   * @param state full sections with the end mark that closes them
   * @throws QemuStreamException if the bytes are not such a state; nothing else is thrown
   */
  public static VmState read(VmStateSchema schema, byte[] state) {
    return new VmStateReader(schema, state, false, DecodedSections.none()).sections().state();
  }

  /**
   * As {@link #read}, for one state after another of the same guest: a section with the octets that
   * it had in the state before is not decoded again.
   *
   * @param earlier the state before, which is not to be used any more; or none
   */
  public static DecodedSections readNext(
      VmStateSchema schema, byte[] state, DecodedSections earlier) {
    return new VmStateReader(schema, state, false, earlier).sections();
  }

  /**
   * Decodes what {@code xen-save-devices-state} writes: a file header, full sections without
   * footers, an end mark. It is not described by its sender: the sections of QEMU 7.2 are known
   * ({@link VmStateSchema#ofDevices}), and a section that does not end where another begins is
   * refused.
   *
   * @param file the whole file
   * @throws QemuStreamException if the bytes are not such a state; nothing else is thrown
   */
  public static VmState readDevices(byte[] file) {
    var reader = new VmStateReader(VmStateSchema.ofDevices(), file, true, DecodedSections.none());
    long magic = reader.in.u32("file header");
    long version = reader.in.u32("file header");
    if (magic != FILE_MAGIC || version != FILE_VERSION) {
      throw reader.in.refused(
          "begins with %08x version %d, not a device state of version %d"
              .formatted(magic, version, FILE_VERSION));
    }
    return reader.sections().state();
  }

  private DecodedSections sections() {
    Set<String> seen = new HashSet<>();
    while (true) {
      int type = in.u8("section type");
      if (type == MigrationStreamReader.SECTION_EOF) {
        break;
      }
      if (type != MigrationStreamReader.SECTION_FULL) {
        throw in.refused("section of type " + RamPages.hex(type) + ", not a full one (0x4)");
      }
      int began = in.position();
      VmState.Section section = sectionOrEarlier(sections.count());
      if (!seen.add(section.name() + '\0' + section.instance())) {
        throw in.refused("section '" + RamPages.printable(section.name()) + "' comes twice");
      }
      sections.add(section, began, in.position());
    }
    if (in.remaining() > 0) {
      throw in.refused(in.remaining() + " bytes follow its end");
    }
    return sections.build();
  }

  /** Decoding depends on a section's octets and on nothing else, its footer being one of them. */
  private VmState.Section sectionOrEarlier(int index) {
    int length = earlier.repeatedOctets(index, in);
    if (length == 0) {
      return section();
    }
    in.skip(length);
    return earlier.again(index);
  }

  private VmState.Section section() {
    long id = in.u32("section id");
    String name = in.counted8("section name");
    long instance = in.u32("section instance");
    long version = in.u32("section version");
    Section described =
        (alone ? schema.sectionOfDevice(name, instance) : schema.section(name, instance))
            .orElseThrow(() ->
                in.refused(
                    "section '"
                        + RamPages.printable(name)
                        + "' instance "
                        + instance
                        + (alone
                            ? " is not known: the guest has a device that can't be carried"
                            : " is not in the description: was a device plugged in? Protect the"
                                + " guest anew")));
    VmStruct content = content(described, id, version);
    if (!alone) {
      footer(name, id);
    }
    return new VmState.Section(name, instance, id, version, content);
  }

  private void footer(String name, long id) {
    int mark = in.u8("footer of " + name);
    long footer = in.u32("footer of " + name);
    if (mark != MigrationStreamReader.SECTION_FOOTER || footer != id) {
      throw in.refused(
          "section '"
              + name
              + "' does not end where its description says (found "
              + RamPages.hex(mark)
              + " and id "
              + footer
              + "): an optional part that is not known");
    }
  }

  private VmStruct content(Section described, long id, long version) {
    VmPath path =
        VmPath.of(
            described.instance() == 0
                ? described.name()
                : described.name() + "[" + described.instance() + "]");
    if (described.layout().isEmpty()) {
      return undescribed(path, id);
    }
    Layout layout = described.layout().get();
    if (layout.version() != version) {
      throw in.refused(path + " has version " + version + ", its description " + layout.version());
    }
    return structure(layout, path);
  }

  /** A section of the old kind: only its footer tells where it ends. */
  private VmStruct undescribed(VmPath path, long id) {
    int end = in.find(MigrationStreamReader.SECTION_FOOTER, id);
    if (end < 0) {
      throw in.refused(path + " has no footer");
    }
    var struct = new VmStruct(path, "");
    struct.put("data", new VmValue.Octets(in.octets(end - in.position(), path)));
    return struct;
  }

  VmStruct structure(Layout layout, VmPath path) {
    in.countStruct(path);
    var struct = new VmStruct(path, layout.vmsdName());
    for (Field field : VmStateKnowledge.fields(layout)) {
      if (VmStateKnowledge.present(layout, field, struct)) {
        field(VmStateKnowledge.counted(layout, field, struct), struct);
      }
    }
    subsections(layout, struct);
    return struct;
  }

  /** Subsections follow the fields of their structure, each marked and named (vmstate.c). */
  private void subsections(Layout layout, VmStruct struct) {
    while (in.peek(0) == MigrationStreamReader.SUBSECTION && named(layout.vmsdName())) {
      in.u8("subsection mark");
      String name = in.counted8("subsection name");
      long version = in.u32("subsection version");
      Layout known =
          VmStateKnowledge.subsection(layout, name)
              .orElseThrow(() ->
                  in.refused(
                      struct.path()
                          + " has the optional part '"
                          + RamPages.printable(name)
                          + "', which is not known: it can't be carried"));
      if (known.version() != version) {
        throw in.refused(
            struct.path()
                + " has '"
                + name
                + "' of version "
                + version
                + ", version "
                + known.version()
                + " is known");
      }
      if (struct.subsection(name).isPresent()) {
        throw in.refused(struct.path() + " has '" + name + "' twice");
      }
      struct.put(structure(known, struct.place().then(name)), name);
    }
  }

  /** Whether the name after the subsection mark begins so; if not, the mark is ordinary data. */
  private boolean named(String prefix) {
    if (in.peek(1) <= prefix.length()) {
      return false;
    }
    for (int i = 0; i < prefix.length(); i++) {
      if (in.peek(2 + i) != prefix.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private void field(Field field, VmStruct struct) {
    VmPath path = struct.place().then(field.name());
    Optional<Layout> nested = field.struct();
    if (nested.isPresent()) {
      nested(field, nested.get(), struct);
      return;
    }
    int size = field.sizeBytes();
    VmValue value =
        switch (field.type()) {
          case "int8", "int16", "int32", "int64", "int32 equal", "int32 le", "int64 equal" ->
              numbers(field, true, path);
          case "uint8", "uint16", "uint32", "uint64", "uint8 equal", "uint16 equal" ->
              numbers(field, false, path);
          case "uint32 equal", "uint64 equal", "bool" -> numbers(field, false, path);
          case "timer" -> numbers(field, true, path);
          case "pci irq state" -> new VmValue.Scalars(longs(size / 4, 4, false, path));
          case "buffer", "unused_buffer", "pci config" -> octets(field, path);
          case "virtio" -> new VmValue.Nested(new VirtioSectionReader(in, this).read(struct));
          default ->
              throw in.refused(
                  path + " is of type '" + RamPages.printable(field.type()) + "', not known");
        };
    if (field.index() >= 0) {
      struct.append(field.name(), value);
    } else {
      struct.put(field.name(), value);
    }
  }

  private VmValue numbers(Field field, boolean signed, VmPath path) {
    if (field.array()) {
      return new VmValue.Scalars(longs(field.count(), field.sizeBytes(), signed, path));
    }
    int size = field.sizeBytes();
    return new VmValue.Scalar(signed ? in.signed(size, path) : in.unsigned(size, path));
  }

  private long[] longs(int count, int size, boolean signed, VmPath path) {
    in.need(count, Math.max(size, 1), path);
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = signed ? in.signed(size, path) : in.unsigned(size, path);
    }
    return values;
  }

  private VmValue octets(Field field, VmPath path) {
    in.need(field.count(), field.sizeBytes(), path);
    return new VmValue.Octets(in.octets(field.count() * field.sizeBytes(), path));
  }

  private void nested(Field field, Layout layout, VmStruct struct) {
    String name = field.name();
    if (field.index() >= 0) {
      VmPath element = struct.place().element(name, field.index());
      struct.append(name, new VmValue.Nested(structure(layout, element)));
    } else if (field.array()) {
      struct.put(name, new VmValue.Structs(elements(field, layout, struct.place())));
    } else {
      struct.put(name, new VmValue.Nested(structure(layout, struct.place().then(name))));
    }
  }

  /** An array of structures: a large one that comes again is not decoded again. */
  private List<VmStruct> elements(Field field, Layout layout, VmPath holder) {
    if (field.count() < LARGE_TABLE) {
      return decodedElements(field, layout, holder);
    }
    String path = holder.then(field.name()).toString();
    int began = in.position();
    Optional<DecodedSections.Table> again =
        earlier.table(path).filter(table -> table.comesNext(in) && endsAfter(table.length()));
    again.ifPresent(table -> in.skip(table.length()));
    List<VmStruct> elements =
        again
            .map(DecodedSections.Table::elements)
            .orElseGet(() -> decodedElements(field, layout, holder));
    sections.add(path, new DecodedSections.Table(in.bytes(), began, in.position(), elements));
    return elements;
  }

  /** Whether no optional part of a structure follows after {@code length} octets. */
  private boolean endsAfter(int length) {
    return in.peek(length) != MigrationStreamReader.SUBSECTION;
  }

  /**
   * An array of structures. Elements with the octets of the one before are not decoded again: of
   * the 1024 queues that a virtio device's table has, most are unused and alike. Decoding depends
   * on an element's octets and on whether a subsection follows them, nothing else.
   */
  private List<VmStruct> decodedElements(Field field, Layout layout, VmPath holder) {
    List<VmStruct> elements = new ArrayList<>();
    int began = in.position();
    int ended = began;
    for (int i = 0; i < field.count(); i++) {
      VmPath path = holder.element(field.name(), i);
      int length = ended - began;
      boolean alike = length > 0 && elements.getLast().isFlat() && in.repeats(began, ended);
      if (alike && endsAfter(length)) {
        in.countStruct(path);
        in.skip(length);
        elements.add(elements.getLast().twin(path));
      } else {
        began = in.position();
        elements.add(structure(layout, path));
        ended = in.position();
      }
    }
    return elements;
  }
}

package dev.here.formats.qemu;

import dev.here.formats.qemu.VmStateSchema.Field;
import dev.here.formats.qemu.VmStateSchema.Layout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Encodes a device state as {@code xen-save-devices-state} writes it: what {@link
 * VmStateReader#readDevices} decoded comes back as the same octets.
 */
public final class VmStateWriter {
  private final StateOutput out = new StateOutput();

  private VmStateWriter() {}

  /**
   * The file of a device state.
   *
   * @param state as {@link VmStateReader#readDevices} gives it
   * @throws QemuStreamException if a value does not fit its field
   */
  public static byte[] writeDevices(VmState state) {
    var writer = new VmStateWriter();
    writer.out.u32(VmStateReader.FILE_MAGIC);
    writer.out.u32(VmStateReader.FILE_VERSION);
    for (VmState.Section section : state.sections()) {
      writer.section(section);
    }
    writer.out.u8(MigrationStreamReader.SECTION_EOF);
    return writer.out.toArray();
  }

  private void section(VmState.Section section) {
    out.u8(MigrationStreamReader.SECTION_FULL);
    out.u32(section.id());
    out.counted8(section.name());
    out.u32(section.instance());
    out.u32(section.version());
    Layout layout =
        VmStateSchema.ofDevices()
            .sectionOfDevice(section.name(), section.instance())
            .flatMap(VmStateSchema.Section::layout)
            .orElseThrow(() ->
                new QemuStreamException(
                    -1, "section '" + section.name() + "' is not known, it can't be written"));
    structure(layout, section.content());
  }

  void structure(Layout layout, VmStruct struct) {
    Map<String, Integer> written = new HashMap<>();
    for (Field field : VmStateKnowledge.fields(layout)) {
      if (VmStateKnowledge.present(layout, field, struct)) {
        int place = field.index() < 0 ? -1 : written.merge(field.name(), 1, Integer::sum) - 1;
        field(VmStateKnowledge.counted(layout, field, struct), struct, place);
      }
    }
    subsections(layout, struct);
  }

  void subsections(Layout layout, VmStruct struct) {
    struct
        .subsections()
        .forEach((name, part) -> {
          Layout known =
              VmStateKnowledge.subsection(layout, name)
                  .orElseThrow(() ->
                      new QemuStreamException(
                          -1, struct.path() + " has the part '" + name + "', not known"));
          out.u8(MigrationStreamReader.SUBSECTION);
          out.counted8(name);
          out.u32(known.version());
          structure(known, part);
        });
  }

  /**
   * One field.
   *
   * @param place which element of an array whose elements are described one by one, or -1
   */
  private void field(Field field, VmStruct struct, int place) {
    String name = field.name();
    Optional<Layout> nested = field.struct();
    if (nested.isPresent()) {
      nested(field, nested.get(), struct, place);
    } else if (place >= 0) {
      out.number(struct.numbers(name)[place], field.sizeBytes());
    } else if (field.type().equals("virtio")) {
      new VirtioSectionWriter(out, this).write(struct.vmsdName(), struct.struct(name));
    } else {
      plain(field, struct);
    }
  }

  private void plain(Field field, VmStruct struct) {
    switch (struct.fields().get(field.name())) {
      case VmValue.Scalar scalar -> out.number(scalar.value(), field.sizeBytes());
      case VmValue.Octets octets -> {
        require(octets.bytes().length, field.count() * field.sizeBytes(), struct, field);
        out.octets(octets.bytes());
      }
      case VmValue.Scalars scalars -> {
        boolean lines = field.type().equals("pci irq state");
        int count = lines ? field.sizeBytes() / 4 : field.count();
        require(scalars.values().length, count, struct, field);
        for (long value : scalars.values()) {
          out.number(value, lines ? 4 : field.sizeBytes());
        }
      }
      case null, default ->
          throw new QemuStreamException(
              -1, struct.path(field.name()) + " is missing, it can't be written");
    }
  }

  private void nested(Field field, Layout layout, VmStruct struct, int place) {
    String name = field.name();
    if (place >= 0) {
      structure(layout, struct.structs(name).get(place));
    } else if (field.array()) {
      List<VmStruct> elements = struct.structs(name);
      require(elements.size(), field.count(), struct, field);
      elements.forEach(element -> structure(layout, element));
    } else {
      structure(layout, struct.struct(name));
    }
  }

  private static void require(int count, int due, VmStruct struct, Field field) {
    if (count != due) {
      throw new QemuStreamException(
          -1, "%s has %d elements, its field %d".formatted(struct.path(field.name()), count, due));
    }
  }
}

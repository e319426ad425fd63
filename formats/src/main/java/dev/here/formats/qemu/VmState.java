package dev.here.formats.qemu;

import java.util.List;
import java.util.Optional;

/**
 * A decoded device state.
 *
 * @param sections in stream order
 */
public record VmState(List<Section> sections) {
  public VmState {
    sections = List.copyOf(sections);
  }

  /**
   * One device's section.
   *
   * @param name e.g. {@code 0000:00:03.0/virtio-net}
   * @param instance tells sections of one name apart
   * @param id its number in the stream
   * @param version version of the section
   * @param content its values
   */
  public record Section(String name, long instance, long id, long version, VmStruct content) {}

  /** The section of a name and instance. */
  public Optional<VmStruct> section(String name, long instance) {
    for (Section section : sections) {
      if (section.instance() == instance && section.name().equals(name)) {
        return Optional.of(section.content());
      }
    }
    return Optional.empty();
  }

  /** The section of a name and instance, refused if it is not there. */
  VmStruct require(String name, long instance) {
    return section(name, instance)
        .orElseThrow(() ->
            new QemuStreamException(
                -1,
                "the device state has no section '"
                    + name
                    + "' instance "
                    + instance
                    + ": this machine has no such device"));
  }
}

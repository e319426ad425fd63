package dev.here.formats.qemu;

import dev.here.formats.qemu.VmStateSchema.Field;
import dev.here.formats.qemu.VmStateSchema.Layout;
import java.util.List;
import java.util.Optional;

/** Optional parts. */
final class VmStateKnowledge {
  private VmStateKnowledge() {}

  static List<Field> fields(Layout layout) {
    return layout.fields();
  }

  static boolean present(Layout layout, Field field, VmStruct before) {
    return true;
  }

  static Optional<Layout> subsection(Layout layout, String name) {
    for (Layout known : layout.subsections()) {
      if (known.vmsdName().equals(name)) {
        return Optional.of(known);
      }
    }
    return Optional.empty();
  }
}

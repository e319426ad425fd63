package dev.here.formats.qemu;

import org.jspecify.annotations.Nullable;

/**
 * Where a value stands in a device state, e.g. {@code hpet/timer[2]}. A state has tens of thousands
 * of values, and only those that are refused or lost are ever named: the text is made when asked
 * for.
 */
final class VmPath {
  private static final int NO_INDEX = -1;

  private final @Nullable VmPath parent;
  private final String name;
  private final int index;

  private VmPath(@Nullable VmPath parent, String name, int index) {
    this.parent = parent;
    this.name = name;
    this.index = index;
  }

  /** The beginning of a path: a section. */
  static VmPath of(String section) {
    return new VmPath(null, section, NO_INDEX);
  }

  /** A value or part of what stands here. */
  VmPath then(String part) {
    return new VmPath(this, part, NO_INDEX);
  }

  /** An element of the array {@code array} of what stands here. */
  VmPath element(String array, int at) {
    return new VmPath(this, array, at);
  }

  @Override
  public String toString() {
    String own = index == NO_INDEX ? name : name + "[" + index + "]";
    return parent == null ? own : parent + "/" + own;
  }
}

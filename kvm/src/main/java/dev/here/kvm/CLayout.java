package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;

/**
 * Short words for C structures: members keep their C names, so that a test can ask a C compiler.
 */
final class CLayout {
  private CLayout() {}

  static MemoryLayout u8(String name) {
    return JAVA_BYTE.withName(name);
  }

  static MemoryLayout u16(String name) {
    return JAVA_SHORT.withName(name);
  }

  static MemoryLayout u32(String name) {
    return JAVA_INT.withName(name);
  }

  static MemoryLayout u64(String name) {
    return JAVA_LONG.withName(name);
  }

  static MemoryLayout bytes(String name, long count) {
    return MemoryLayout.sequenceLayout(count, JAVA_BYTE).withName(name);
  }

  static MemoryLayout words(String name, long count) {
    return MemoryLayout.sequenceLayout(count, JAVA_LONG).withName(name);
  }

  /** A structure with its C type as name; the caller writes out inner padding. */
  static StructLayout struct(String type, MemoryLayout... members) {
    return MemoryLayout.structLayout(members).withName(type);
  }

  /** Offset in bytes of a member, inner ones separated by dots. */
  static long offset(MemoryLayout layout, String path) {
    String[] names = path.split("\\.", -1);
    PathElement[] elements = new PathElement[names.length];
    for (int i = 0; i < names.length; i++) {
      elements[i] = PathElement.groupElement(names[i]);
    }
    return layout.byteOffset(elements);
  }
}

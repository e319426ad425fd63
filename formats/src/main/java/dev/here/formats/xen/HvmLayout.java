package dev.here.formats.xen;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where the members of a save record's C structure lie. Xen demands of these structures that every
 * member has an explicit size and is aligned to it, so that places follow from order and sizes
 * alone (xen/include/public/hvm/save.h); a test compares them with the C header.
 */
final class HvmLayout {
  /**
   * One member.
   *
   * @param name as in the header
   * @param offset octets from the structure's beginning
   * @param elementBytes octets of one element: 1, 2, 4 or 8
   * @param count elements; 1 for a scalar
   */
  record Member(String name, int offset, int elementBytes, int count) {
    int sizeBytes() {
      return elementBytes * count;
    }
  }

  private final String structure;
  private final Map<String, Member> members = new LinkedHashMap<>();
  private int sizeBytes;

  private HvmLayout(String structure) {
    this.structure = structure;
  }

  /**
   * A layout.
   *
   * @param structure the C structure's tag
   * @param members as {@code name:octets} or {@code name:octets*count}, in order
   */
  static HvmLayout of(String structure, String members) {
    var layout = new HvmLayout(structure);
    for (String member : members.strip().split("\\s+")) {
      int colon = member.indexOf(':');
      int star = member.indexOf('*', colon);
      int size = Integer.parseInt(member.substring(colon + 1, star < 0 ? member.length() : star));
      int count = star < 0 ? 1 : Integer.parseInt(member.substring(star + 1));
      layout.add(member.substring(0, colon), size, count);
    }
    return layout;
  }

  private void add(String name, int elementBytes, int count) {
    if (sizeBytes % elementBytes != 0 || members.containsKey(name)) {
      throw new IllegalArgumentException(structure + "." + name + " is misplaced");
    }
    members.put(name, new Member(name, sizeBytes, elementBytes, count));
    sizeBytes += elementBytes * count;
  }

  /** The C structure's tag. */
  String structure() {
    return structure;
  }

  /** Octets of the whole structure. */
  int sizeBytes() {
    return sizeBytes;
  }

  /** The members by name, in order. */
  Map<String, Member> members() {
    return members;
  }

  Member member(String name) {
    Member member = members.get(name);
    if (member == null) {
      throw new IllegalArgumentException(structure + " has no member " + name);
    }
    return member;
  }
}

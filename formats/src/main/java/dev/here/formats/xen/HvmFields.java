package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The members of one save record's body, by name: filled from a body, or filled by a record to make
 * one. Little-endian, as Xen on x86 writes them.
 */
final class HvmFields {
  private final HvmLayout layout;
  private final ByteBuffer body;
  private final Set<String> put = new HashSet<>();

  private HvmFields(HvmLayout layout, ByteBuffer body) {
    this.layout = layout;
    this.body = body.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads {@code body}, which is at least as long as the layout. */
  static HvmFields of(HvmLayout layout, byte[] body) {
    return new HvmFields(layout, ByteBuffer.wrap(body));
  }

  /** A body to be filled. */
  static HvmFields empty(HvmLayout layout) {
    return new HvmFields(layout, ByteBuffer.allocate(layout.sizeBytes()));
  }

  /** An unsigned number of up to 4 octets, or all 8 octets of a longer one. */
  long number(String name) {
    return at(layout.member(name), 0);
  }

  /** An unsigned number of up to 2 octets, or the bits of one of 4. */
  int small(String name) {
    HvmLayout.Member member = layout.member(name);
    if (member.elementBytes() > 4) {
      throw new IllegalArgumentException(layout.structure() + "." + name + " is wide");
    }
    return (int) at(member, 0);
  }

  private long at(HvmLayout.Member member, int index) {
    int offset = member.offset() + index * member.elementBytes();
    return switch (member.elementBytes()) {
      case 1 -> body.get(offset) & 0xffL;
      case 2 -> body.getShort(offset) & 0xffffL;
      case 4 -> body.getInt(offset) & 0xffffffffL;
      default -> body.getLong(offset);
    };
  }

  /** All elements of an array. */
  List<Long> numbers(String name) {
    HvmLayout.Member member = layout.member(name);
    var values = new ArrayList<Long>(member.count());
    for (int i = 0; i < member.count(); i++) {
      values.add(at(member, i));
    }
    return List.copyOf(values);
  }

  /** The octets of a member. */
  Bytes octets(String name) {
    HvmLayout.Member member = layout.member(name);
    byte[] octets = new byte[member.sizeBytes()];
    body.get(member.offset(), octets);
    return Bytes.of(octets);
  }

  HvmFields put(String name, long value) {
    HvmLayout.Member member = fresh(name);
    set(member, 0, value);
    return this;
  }

  HvmFields put(String name, List<Long> values) {
    HvmLayout.Member member = fresh(name);
    for (int i = 0; i < member.count(); i++) {
      set(member, i, values.get(i));
    }
    return this;
  }

  HvmFields put(String name, Bytes octets) {
    body.put(fresh(name).offset(), octets.toArray());
    return this;
  }

  private HvmLayout.Member fresh(String name) {
    if (!put.add(name)) {
      throw new IllegalStateException(layout.structure() + "." + name + " is put twice");
    }
    return layout.member(name);
  }

  private void set(HvmLayout.Member member, int index, long value) {
    int offset = member.offset() + index * member.elementBytes();
    switch (member.elementBytes()) {
      case 1 -> body.put(offset, (byte) value);
      case 2 -> body.putShort(offset, (short) value);
      case 4 -> body.putInt(offset, (int) value);
      default -> body.putLong(offset, value);
    }
  }

  /** The filled body; every member must have been put. */
  byte[] body() {
    if (put.size() != layout.members().size()) {
      throw new IllegalStateException(layout.structure() + " is not filled: has only " + put);
    }
    return body.array();
  }

  /** Runs of {@code sizeBytes} octets, one after the other. */
  static List<byte[]> split(Bytes octets, int sizeBytes) {
    byte[] all = octets.toArray();
    var parts = new ArrayList<byte[]>();
    for (int at = 0; at + sizeBytes <= all.length; at += sizeBytes) {
      parts.add(Arrays.copyOfRange(all, at, at + sizeBytes));
    }
    return parts;
  }

  /** All parts, one after the other. */
  static Bytes joined(List<byte[]> parts) {
    var all = ByteBuffer.allocate(parts.stream().mapToInt(part -> part.length).sum());
    parts.forEach(all::put);
    return Bytes.of(all.array());
  }
}

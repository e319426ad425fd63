package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The attributes of one netlink message, or within one attribute, in their order (netlink(7),
 * struct nlattr: length with the header, type, value, padding to 4 bytes). Integers are in host
 * byte order.
 */
final class NetlinkAttributes {
  /** Without the bits for "nested" and "big-endian". */
  static final int TYPE_MASK = 0x3fff;

  static final int ATTRIBUTE_BYTES = 4;

  /** One attribute; its value's buffer has position 0. */
  record Attribute(int type, ByteBuffer value) {
    /** A number of 8, 16 or 32 bits, as long as the value is. */
    int number() {
      return switch (value.remaining()) {
        case 1 -> value.get(0) & 0xff;
        case 2 -> value.getShort(0) & 0xffff;
        case 4 -> value.getInt(0);
        default -> throw broken("a number of %d bytes".formatted(value.remaining()));
      };
    }

    /** Text, which may end with a zero byte. */
    String text() {
      byte[] bytes = new byte[value.remaining()];
      value.get(0, bytes);
      String text = new String(bytes, StandardCharsets.UTF_8);
      int end = text.indexOf('\0');
      return end < 0 ? text : text.substring(0, end);
    }

    NetlinkAttributes nested() {
      return NetlinkAttributes.in(value);
    }
  }

  private final List<Attribute> attributes;

  private NetlinkAttributes(List<Attribute> attributes) {
    this.attributes = List.copyOf(attributes);
  }

  /**
   * The attributes from the buffer's position to its limit.
   *
   * @throws NativeException EBADMSG when one ends behind the limit
   */
  static NetlinkAttributes in(ByteBuffer buffer) {
    ByteBuffer in = buffer.slice().order(ByteOrder.nativeOrder());
    List<Attribute> found = new ArrayList<>();
    while (in.remaining() >= ATTRIBUTE_BYTES) {
      int length = in.getShort(in.position()) & 0xffff;
      int type = in.getShort(in.position() + 2) & TYPE_MASK;
      if (length < ATTRIBUTE_BYTES || length > in.remaining()) {
        throw broken(
            "attribute %d of %d bytes where %d are left".formatted(type, length, in.remaining()));
      }
      ByteBuffer value = in.slice(in.position() + ATTRIBUTE_BYTES, length - ATTRIBUTE_BYTES);
      found.add(new Attribute(type, value.order(ByteOrder.nativeOrder())));
      in.position(Math.min(in.limit(), in.position() + (length + 3 & ~3)));
    }
    return new NetlinkAttributes(found);
  }

  static NativeException broken(String what) {
    return new NativeException(Errno.EBADMSG, "read a netlink message with " + what);
  }

  List<Attribute> all() {
    return attributes;
  }

  /** The first attribute of a type. */
  Optional<Attribute> find(int type) {
    return attributes.stream().filter(attribute -> attribute.type == type).findFirst();
  }

  /** The attributes within the first attribute of a type; none when it is not there. */
  NetlinkAttributes within(int type) {
    return find(type).map(Attribute::nested).orElseGet(() -> new NetlinkAttributes(List.of()));
  }

  /** The number of the first attribute of a type; 0 when it is not there. */
  int number(int type) {
    return find(type).map(Attribute::number).orElse(0);
  }

  /** The text of the first attribute of a type; empty when it is not there. */
  String text(int type) {
    return find(type).map(Attribute::text).orElse("");
  }
}

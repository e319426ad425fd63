package dev.here.machine;

import java.util.Arrays;
import java.util.HexFormat;

/** An immutable run of octets with value equality; its text form is lower-case hexadecimal. */
public final class Bytes {
  /** No octets. */
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] octets;

  private Bytes(byte[] octets) {
    this.octets = octets;
  }

  /** A copy of {@code octets}. */
  public static Bytes of(byte[] octets) {
    return octets.length == 0 ? EMPTY : new Bytes(octets.clone());
  }

  /** {@code length} zero octets. */
  public static Bytes zero(int length) {
    return new Bytes(new byte[length]);
  }

  /** Parses the text form; an odd length or a non-hex digit is refused. */
  public static Bytes parse(String hex) {
    try {
      return new Bytes(HexFormat.of().parseHex(hex));
    } catch (IllegalArgumentException e) {
      throw new InvalidMachineStateException("octets are not hexadecimal: " + e.getMessage());
    }
  }

  public int length() {
    return octets.length;
  }

  /** The octet at {@code index}, 0 to 255. */
  public int at(int index) {
    return octets[index] & 0xff;
  }

  /** Little-endian 16 bits at {@code index}. */
  public int u16(int index) {
    return at(index) | at(index + 1) << 8;
  }

  /** Little-endian 32 bits at {@code index}, 0 to 2^32-1. */
  public long u32(int index) {
    return u16(index) | (long) u16(index + 2) << 16;
  }

  /** Little-endian 64 bits at {@code index}. */
  public long u64(int index) {
    return u32(index) | u32(index + 4) << 32;
  }

  /** The octets from {@code begin} up to, not including, {@code end}. */
  public Bytes slice(int begin, int end) {
    return begin == end ? EMPTY : new Bytes(Arrays.copyOfRange(octets, begin, end));
  }

  /** A fresh copy of the octets. */
  public byte[] toArray() {
    return octets.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes bytes && Arrays.equals(octets, bytes.octets);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(octets);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(octets);
  }
}

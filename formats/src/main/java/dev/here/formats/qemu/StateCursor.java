package dev.here.formats.qemu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Bounded big-endian reads over a device state. What is read is named by an object whose text is
 * only made for a refusal.
 */
final class StateCursor {
  private static final int MAX_STRUCTS = 1 << 18;
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final byte[] bytes;
  private int at;
  private int structs;

  StateCursor(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The whole state. */
  byte[] bytes() {
    return bytes;
  }

  int position() {
    return at;
  }

  int remaining() {
    return bytes.length - at;
  }

  /** The byte {@code ahead} of the next one, or -1 past the end. */
  int peek(int ahead) {
    return ahead < remaining() ? bytes[at + ahead] & 0xff : -1;
  }

  int u8(Object what) {
    need(1, what);
    return bytes[at++] & 0xff;
  }

  int u16(Object what) {
    need(2, what);
    at += 2;
    return (bytes[at - 2] & 0xff) << 8 | bytes[at - 1] & 0xff;
  }

  long u32(Object what) {
    need(4, what);
    int value = (int) INTS.get(bytes, at);
    at += 4;
    return Integer.toUnsignedLong(value);
  }

  long i64(Object what) {
    need(8, what);
    long value = (long) LONGS.get(bytes, at);
    at += 8;
    return value;
  }

  /** An unsigned big-endian number of 1, 2, 4 or 8 bytes. */
  long unsigned(int size, Object what) {
    return switch (size) {
      case 1 -> u8(what);
      case 2 -> u16(what);
      case 4 -> u32(what);
      case 8 -> i64(what);
      default -> throw refused(what + " is a number of " + size + " bytes");
    };
  }

  /** A signed big-endian number of 1, 2, 4 or 8 bytes. */
  long signed(int size, Object what) {
    int unused = 64 - 8 * size;
    return unsigned(size, what) << unused >> unused;
  }

  byte[] octets(int length, Object what) {
    need(length, what);
    byte[] out = Arrays.copyOfRange(bytes, at, at + length);
    at += length;
    return out;
  }

  String counted8(Object what) {
    int length = u8(what);
    return new String(octets(length, what), StandardCharsets.ISO_8859_1);
  }

  /** Refuses unless {@code count} elements of {@code size} bytes are there. */
  void need(long count, int size, Object what) {
    if (count * size > remaining()) {
      throw refused(
          what + " needs " + count * size + " bytes, " + remaining() + " remain: it is cut short");
    }
  }

  void need(int length, Object what) {
    need(length, 1, what);
  }

  /** Counts a structure, so that a description can't ask for more of them than any machine has. */
  void countStruct(Object what) {
    if (++structs > MAX_STRUCTS) {
      throw refused(what + " is one of more than " + MAX_STRUCTS + " structures");
    }
  }

  /** Whether the octets {@code from} to {@code to}, read before, come here once more. */
  boolean repeats(int from, int to) {
    int length = to - from;
    return length <= remaining() && Arrays.equals(bytes, from, to, bytes, at, at + length);
  }

  /** Whether octets of another state come here next. */
  boolean comesNext(byte[] other, int from, int to) {
    int length = to - from;
    return length <= remaining() && Arrays.equals(other, from, to, bytes, at, at + length);
  }

  /** Passes over octets that {@link #repeats} or {@link #comesNext} has found. */
  void skip(int length) {
    at += length;
  }

  /** Where the bytes {@code mark} and big-endian {@code id} come next at or after here, or -1. */
  int find(int mark, long id) {
    for (int i = at; i + 5 <= bytes.length; i++) {
      if ((bytes[i] & 0xff) == mark
          && bytes[i + 1] == (byte) (id >>> 24)
          && bytes[i + 2] == (byte) (id >>> 16)
          && bytes[i + 3] == (byte) (id >>> 8)
          && bytes[i + 4] == (byte) id) {
        return i;
      }
    }
    return -1;
  }

  QemuStreamException refused(String reason) {
    return new QemuStreamException(at, "device state: " + reason);
  }
}

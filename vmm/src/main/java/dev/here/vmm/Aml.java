package dev.here.vmm;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes the few ACPI machine language terms that a small machine's description needs (ACPI
 * specification 6.4, chapter 20). Every method gives the octets of one term.
 */
final class Aml {
  private static final int NAME = 0x08;
  private static final int BUFFER = 0x11;
  private static final int PACKAGE = 0x12;
  private static final int METHOD = 0x14;
  private static final int SCOPE = 0x10;
  private static final int EXTENDED = 0x5b;
  private static final int DEVICE = 0x82;
  private static final int ROOT = 0x5c;

  private Aml() {}

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  /** Four-letter name; a leading backslash anchors it at the root. */
  static byte[] path(String name) {
    boolean root = name.startsWith("\\");
    String segment = root ? name.substring(1) : name;
    byte[] octets = "%-4s".formatted(segment).replace(' ', '_').getBytes(StandardCharsets.US_ASCII);
    return root ? join(new byte[] {ROOT}, octets) : octets;
  }

  static byte[] integer(long value) {
    if (value == 0 || value == 1) {
      return new byte[] {(byte) value};
    }
    int octets = value < 0x100 ? 1 : value < 0x10000 ? 2 : 4;
    byte[] term = new byte[1 + octets];
    term[0] = (byte) (octets == 1 ? 0x0a : octets == 2 ? 0x0b : 0x0c);
    for (int at = 0; at < octets; at++) {
      term[1 + at] = (byte) (value >>> at * 8);
    }
    return term;
  }

  /** A compressed identifier such as PNP0A03. */
  static byte[] eisaId(String id) {
    int letters = (id.charAt(0) - 0x40) << 10 | (id.charAt(1) - 0x40) << 5 | id.charAt(2) - 0x40;
    int number = Integer.parseInt(id.substring(3), 16);
    return new byte[] {
      0x0c, (byte) (letters >> 8), (byte) letters, (byte) (number >> 8), (byte) number
    };
  }

  static byte[] name(String name, byte[] value) {
    return join(new byte[] {NAME}, path(name), value);
  }

  static byte[] scope(String name, byte[]... terms) {
    return sized(new byte[] {SCOPE}, join(path(name), join(terms)));
  }

  static byte[] device(String name, byte[]... terms) {
    return sized(new byte[] {EXTENDED, (byte) DEVICE}, join(path(name), join(terms)));
  }

  static byte[] array(byte[]... elements) {
    return sized(new byte[] {PACKAGE}, join(new byte[] {(byte) elements.length}, join(elements)));
  }

  /** A method that takes {@code arguments} and does nothing. */
  static byte[] emptyMethod(String name, int arguments) {
    return sized(new byte[] {METHOD}, join(path(name), new byte[] {(byte) arguments}));
  }

  /** A resource template: the descriptors and their end tag. */
  static byte[] resources(byte[]... descriptors) {
    byte[] all = join(join(descriptors), new byte[] {0x79, 0});
    return sized(new byte[] {BUFFER}, join(integer(all.length), all));
  }

  static byte[] ports(int first, int count) {
    return new byte[] {
      0x47, 1, (byte) first, (byte) (first >> 8), (byte) first, (byte) (first >> 8), 1, (byte) count
    };
  }

  /** An edge-triggered ISA interrupt. */
  static byte[] isaInterrupt(int irq) {
    return new byte[] {0x22, (byte) (1 << irq), (byte) (1 << irq >> 8)};
  }

  /** A shared, level-triggered, active-high interrupt. */
  static byte[] sharedInterrupt(int gsi) {
    return new byte[] {(byte) 0x89, 6, 0, 0x09, 1, (byte) gsi, 0, 0, 0};
  }

  /**
   * A window that a bridge passes on.
   *
   * @param type 0 memory, 1 ports, 2 bus numbers
   * @param flags the type's own flags
   */
  static byte[] window(int type, int flags, long first, long last) {
    byte[] descriptor = new byte[26];
    descriptor[0] = (byte) 0x87;
    descriptor[1] = 23;
    descriptor[3] = (byte) type;
    descriptor[4] = 0x0c;
    descriptor[5] = (byte) flags;
    putInt(descriptor, 10, first);
    putInt(descriptor, 14, last);
    putInt(descriptor, 22, last - first + 1);
    return descriptor;
  }

  private static void putInt(byte[] octets, int offset, long value) {
    for (int at = 0; at < 4; at++) {
      octets[offset + at] = (byte) (value >>> at * 8);
    }
  }

  /** A term with its length, which counts its own octets (section 20.2.4). */
  private static byte[] sized(byte[] opcode, byte[] content) {
    int total = content.length + 1;
    byte[] length;
    if (total < 0x40) {
      length = new byte[] {(byte) total};
    } else if (++total < 0x1000) {
      length = new byte[] {(byte) (0x40 | total & 0xf), (byte) (total >> 4)};
    } else {
      total++;
      length = new byte[] {(byte) (0x80 | total & 0xf), (byte) (total >> 4), (byte) (total >> 12)};
    }
    return join(opcode, length, content);
  }
}

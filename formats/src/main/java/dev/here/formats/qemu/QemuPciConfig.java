package dev.here.formats.qemu;

/** Reads of a PCI function's 256 octets of configuration space, little-endian. */
final class QemuPciConfig {
  private QemuPciConfig() {}

  /** The configuration space in a section whose PCI part is the structure {@code parent}. */
  static byte[] of(VmStruct section, String parent) {
    return section.struct(parent).octets("config[0]", 256);
  }

  static int u16(byte[] config, int at) {
    return (config[at] & 0xff) | (config[at + 1] & 0xff) << 8;
  }

  static long u32(byte[] config, int at) {
    return u16(config, at) | (long) u16(config, at + 2) << 16;
  }
}

package dev.here.vmm;

/**
 * The memory window over a standard VGA's registers, base address register 2 (QEMU
 * docs/specs/standard-vga.rst): VGA ports from 400h, Bochs display registers from 500h, and at 600h
 * the byte order. Where a display would describe itself it reads zeros.
 */
record VgaRegisterWindow(VgaStub vga, BochsDisplay bochs) implements MmioDevice {
  private static final int PORTS = 0x400;
  private static final int PORTS_END = 0x420;
  private static final int FIRST_PORT = 0x3c0;
  private static final int BOCHS = 0x500;
  private static final int BOCHS_END = 0x516;
  private static final int EXTENSION_SIZE = 0x600;
  private static final int BYTE_ORDER = 0x604;
  private static final long LITTLE_ENDIAN = 0x1e1e1e1eL;

  @Override
  public long read(long offset, int sizeBytes) {
    int at = (int) offset;
    if (at >= PORTS && at + sizeBytes <= PORTS_END) {
      return Integer.toUnsignedLong(vga.read(FIRST_PORT + at - PORTS, Math.min(sizeBytes, 4)));
    }
    if (at >= BOCHS && at < BOCHS_END) {
      return bochs.readDirect(at - BOCHS >> 1);
    }
    return at == EXTENSION_SIZE ? 8 : at == BYTE_ORDER ? LITTLE_ENDIAN : 0;
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    int at = (int) offset;
    if (at >= PORTS && at + sizeBytes <= PORTS_END) {
      vga.write(FIRST_PORT + at - PORTS, Math.min(sizeBytes, 4), (int) value);
    } else if (at >= BOCHS && at < BOCHS_END) {
      bochs.writeDirect(at - BOCHS >> 1, (int) value & 0xffff);
    }
  }
}

package dev.here.lab;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * A firmware for QEMU's PC that gives the network card in slot 2 its port range, as a firmware
 * does, and then counts in memory, from the reset vector on: the smallest guest that HERE can
 * protect. 16-bit code; PCI configuration through ports 0xcf8 and 0xcfc (PCI Local Bus
 * Specification 3.0, 3.2.2.3.2).
 */
final class TrainingFirmware {
  private static final int IMAGE_BYTES = 0x10000;
  private static final int RESET_VECTOR = 0xfff0;
  private static final int SLOT = 2;
  private static final int COMMAND = 0x04;
  private static final int BAR_0 = 0x10;
  private static final int PORTS = 0xc000;

  /** Decodes ports, masters the bus. */
  private static final int COMMAND_ON = 0x05;

  private TrainingFirmware() {}

  /** The image, for {@code -bios}. */
  static byte[] image() {
    ByteBuffer code = ByteBuffer.allocate(IMAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    put(code, "fa 31c0 8ed8"); // cli; xor ax, ax; mov ds, ax
    configure(code, BAR_0, PORTS);
    configure(code, COMMAND, COMMAND_ON);
    put(code, "66ff060010 ebf9"); // inc dword [0x1000]; jmp to inc
    code.position(RESET_VECTOR);
    put(code, "ea000000f0"); // jmp f000:0000
    return code.array();
  }

  private static void configure(ByteBuffer code, int register, int value) {
    out(code, 0xcf8, 1 << 31 | SLOT << 11 | register);
    out(code, 0xcfc, value);
  }

  private static void out(ByteBuffer code, int port, int value) {
    put(code, "66b8"); // mov eax, value
    code.putInt(value);
    put(code, "ba"); // mov dx, port
    code.putShort((short) port);
    put(code, "66ef"); // out dx, eax
  }

  private static void put(ByteBuffer code, String hex) {
    code.put(HexFormat.of().parseHex(hex.replace(" ", "")));
  }
}

package dev.here.lab;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * The smallest guest that HERE can protect, in a PC's firmware: gives the network card in slot 2
 * its port range, lets the PIT interrupt 100 times a second and counts the interrupts in memory,
 * halted in between. 16-bit code; PCI configuration through ports 0xcf8 and 0xcfc (PCI Local Bus
 * Specification 3.0, 3.2.2.3.2), PIC and PIT as the 8259A's and 8254's data sheets say. The local
 * APIC is in x2APIC mode, which 16-bit code can set up, and passes the PIC's interrupts.
 */
public final class TickingFirmware {
  /** Guest-physical address of the counter, 32 bits. */
  public static final int COUNTER_GPA = 0x1000;

  private static final int IMAGE_BYTES = 0x10000;
  private static final int RESET_VECTOR = 0xfff0;
  private static final int HANDLER = 0x800;
  private static final int SLOT = 2;
  private static final int COMMAND = 0x04;
  private static final int COMMAND_PORTS_AND_BUS_MASTER = 0x05;
  private static final int BAR_0 = 0x10;
  private static final int PORTS = 0xc000;

  /** Model-specific registers of an x2APIC (Intel SDM, volume 3, 11.12.1.2). */
  private static final int SPURIOUS_VECTOR_REGISTER = 0x80f;

  private static final int LINT_0 = 0x835;

  private TickingFirmware() {}

  /** The image, for QEMU's {@code -bios}. */
  public static byte[] image() {
    ByteBuffer code = ByteBuffer.allocate(IMAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    put(code, "fa 31c0 8ed8 8ed0 bc0070"); // cli; ax, ds, ss = 0; sp = 7000h
    configure(code, BAR_0, PORTS);
    configure(code, COMMAND, COMMAND_PORTS_AND_BUS_MASTER);
    put(code, "66b91b000000 0f32 660d00040000 0f30"); // IA32_APIC_BASE: x2APIC mode
    modelSpecific(code, SPURIOUS_VECTOR_REGISTER, 0x1ff);
    modelSpecific(code, LINT_0, 0x700); // the PIC's interrupts
    put(code, "c7068000 0008 c7068200 00f0"); // vector 20h = f000:0800
    put(code, "b011 e620 b020 e621 b004 e621 b001 e621 b0fe e621"); // PIC: from 20h, IRQ 0 only
    put(code, "b034 e643 b09c e640 b02e e640"); // PIT: mode 2, 1193182 / 11932 Hz
    put(code, "fb f4 ebfd"); // sti; hlt; jmp to hlt
    code.position(HANDLER);
    put(code, "66ff060010 b020 e620 cf"); // inc dword [1000h]; end of interrupt; iret
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

  private static void modelSpecific(ByteBuffer code, int register, int value) {
    put(code, "66b9"); // mov ecx, register
    code.putInt(register);
    put(code, "66b8"); // mov eax, value
    code.putInt(value);
    put(code, "6631d2 0f30"); // xor edx, edx; wrmsr
  }

  private static void put(ByteBuffer code, String hex) {
    code.put(HexFormat.of().parseHex(hex.replace(" ", "")));
  }
}

package dev.here.testkit;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Emits the few x86-64 instructions that bare-metal test guests are made of (encodings: Intel SDM
 * volume 2). Operands are 64 bits wide unless a name says otherwise. Jumps go to labels, which may
 * be placed later.
 */
public final class X64Code {
  public static final int RAX = 0;
  public static final int RCX = 1;
  public static final int RDX = 2;
  public static final int RBX = 3;
  public static final int RSP = 4;
  public static final int RBP = 5;
  public static final int RSI = 6;
  public static final int RDI = 7;
  public static final int R8 = 8;
  public static final int R9 = 9;
  public static final int R10 = 10;
  public static final int R11 = 11;
  public static final int R12 = 12;
  public static final int R13 = 13;
  public static final int R14 = 14;
  public static final int R15 = 15;

  /** Conditions of {@link #jump(Condition, String)}; unsigned. */
  public enum Condition {
    BELOW(2),
    NOT_BELOW(3),
    EQUAL(4),
    NOT_EQUAL(5);

    private final int code;

    Condition(int code) {
      this.code = code;
    }
  }

  private record Fixup(int at, String label) {}

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Map<String, Integer> labels = new HashMap<>();
  private final List<Fixup> fixups = new ArrayList<>();

  /** Places a label here. */
  public X64Code label(String name) {
    if (labels.put(name, out.size()) != null) {
      throw new IllegalArgumentException("label " + name + " is placed twice");
    }
    return this;
  }

  /** Offset in bytes of a placed label. */
  public int offset(String label) {
    Integer offset = labels.get(label);
    if (offset == null) {
      throw new IllegalArgumentException("label " + label + " isn't placed");
    }
    return offset;
  }

  /** The machine code with all jumps resolved. */
  public byte[] toBytes() {
    byte[] code = out.toByteArray();
    for (Fixup fixup : fixups) {
      int distance = offset(fixup.label) - (fixup.at + 4);
      for (int i = 0; i < 4; i++) {
        code[fixup.at + i] = (byte) (distance >> 8 * i);
      }
    }
    return code;
  }

  /** Raw bytes, for instructions without a method. */
  public X64Code bytes(int... values) {
    for (int value : values) {
      out.write(value);
    }
    return this;
  }

  /** MOV reg, imm64. */
  public X64Code move(int register, long value) {
    bytes(0x48 | register >> 3, 0xb8 | register & 7);
    return imm64(value);
  }

  /** MOV to, from. */
  public X64Code copy(int to, int from) {
    return registers(0x89, from, to);
  }

  /** MOV to, [base + displacement]. */
  public X64Code load(int to, int base, int displacement) {
    return memory(true, 0x8b, to, base, displacement);
  }

  /** MOV [base + displacement], from. */
  public X64Code store(int base, int displacement, int from) {
    return memory(true, 0x89, from, base, displacement);
  }

  /** MOV to32, [base + displacement]; clears the upper half. */
  public X64Code load32(int to, int base, int displacement) {
    return memory(false, 0x8b, to, base, displacement);
  }

  /** MOV [base + displacement], from32. */
  public X64Code store32(int base, int displacement, int from) {
    return memory(false, 0x89, from, base, displacement);
  }

  /** ADD to, from. */
  public X64Code add(int to, int from) {
    return registers(0x01, from, to);
  }

  /** SUB to, from. */
  public X64Code subtract(int to, int from) {
    return registers(0x29, from, to);
  }

  /** XOR to, from. */
  public X64Code xor(int to, int from) {
    return registers(0x31, from, to);
  }

  /** AND to, from. */
  public X64Code and(int to, int from) {
    return registers(0x21, from, to);
  }

  /** CMP left, right. */
  public X64Code compare(int left, int right) {
    return registers(0x39, right, left);
  }

  /** ADD to, sign-extended imm32. */
  public X64Code addImmediate(int to, int value) {
    return immediate(0, to, value);
  }

  /** AND to, sign-extended imm32. */
  public X64Code andImmediate(int to, int value) {
    return immediate(4, to, value);
  }

  /** CMP left, sign-extended imm32. */
  public X64Code compareImmediate(int left, int value) {
    return immediate(7, left, value);
  }

  /** SHL register, count. */
  public X64Code shiftLeft(int register, int count) {
    return bytes(0x48 | register >> 3, 0xc1, 0xe0 | register & 7, count);
  }

  /** SHR register, count. */
  public X64Code shiftRight(int register, int count) {
    return bytes(0x48 | register >> 3, 0xc1, 0xe8 | register & 7, count);
  }

  /** INC qword [base + displacement]. */
  public X64Code increment(int base, int displacement) {
    return memory(true, 0xff, 0, base, displacement);
  }

  /** LOCK INC qword [base + displacement]. */
  public X64Code lockedIncrement(int base, int displacement) {
    return bytes(0xf0).increment(base, displacement);
  }

  /** PUSH register. */
  public X64Code push(int register) {
    return register > 7 ? bytes(0x41, 0x50 | register & 7) : bytes(0x50 | register);
  }

  /** POP register. */
  public X64Code pop(int register) {
    return register > 7 ? bytes(0x41, 0x58 | register & 7) : bytes(0x58 | register);
  }

  /** JMP label. */
  public X64Code jump(String label) {
    return bytes(0xe9).relative(label);
  }

  /** Jcc label. */
  public X64Code jump(Condition condition, String label) {
    return bytes(0x0f, 0x80 | condition.code).relative(label);
  }

  /** CALL label. */
  public X64Code call(String label) {
    return bytes(0xe8).relative(label);
  }

  /** RET. */
  public X64Code ret() {
    return bytes(0xc3);
  }

  /** OUT imm8, AL. */
  public X64Code outByte(int port) {
    return bytes(0xe6, port);
  }

  /** OUT imm8, EAX. */
  public X64Code out32(int port) {
    return bytes(0xe7, port);
  }

  /** OUT DX, EAX. */
  public X64Code out32ToDx() {
    return bytes(0xef);
  }

  /** IN EAX, imm8. */
  public X64Code in32(int port) {
    return bytes(0xe5, port);
  }

  /** HLT. */
  public X64Code halt() {
    return bytes(0xf4);
  }

  /** CLI. */
  public X64Code disableInterrupts() {
    return bytes(0xfa);
  }

  /** STI. */
  public X64Code enableInterrupts() {
    return bytes(0xfb);
  }

  /** PAUSE. */
  public X64Code pause() {
    return bytes(0xf3, 0x90);
  }

  /** IRETQ. */
  public X64Code interruptReturn() {
    return bytes(0x48, 0xcf);
  }

  /** WRMSR: MSR in ECX, value in EDX:EAX. */
  public X64Code writeMsr() {
    return bytes(0x0f, 0x30);
  }

  /** RDMSR: MSR in ECX, value in EDX:EAX. */
  public X64Code readMsr() {
    return bytes(0x0f, 0x32);
  }

  private X64Code registers(int opcode, int reg, int rm) {
    return bytes(0x48 | reg >> 3 << 2 | rm >> 3, opcode, 0xc0 | (reg & 7) << 3 | rm & 7);
  }

  private X64Code immediate(int extension, int rm, int value) {
    bytes(0x48 | rm >> 3, 0x81, 0xc0 | extension << 3 | rm & 7);
    return imm32(value);
  }

  private X64Code memory(boolean wide, int opcode, int reg, int base, int displacement) {
    int rex = 0x40 | (wide ? 8 : 0) | reg >> 3 << 2 | base >> 3;
    bytes(rex, opcode, 0x80 | (reg & 7) << 3 | base & 7);
    if ((base & 7) == RSP) {
      // RSP and R12 as a base need a SIB byte.
      bytes(0x24);
    }
    return imm32(displacement);
  }

  private X64Code relative(String label) {
    fixups.add(new Fixup(out.size(), label));
    return imm32(0);
  }

  private X64Code imm32(int value) {
    for (int i = 0; i < 4; i++) {
      out.write(value >> 8 * i);
    }
    return this;
  }

  private X64Code imm64(long value) {
    imm32((int) value);
    return imm32((int) (value >>> 32));
  }
}

package dev.here.driver.qemu;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/**
 * A 64 KiB firmware that runs from the reset vector, asks CPUID on every vCPU and writes the
 * answers to the debug port 0xe9; then it leaves through port 0xf4 (isa-debug-exit). Intel SDM
 * volume 3: 10.1.4 (first instruction), 11.6 (interprocessor interrupts).
 *
 * <pre>
 *   output:  "HEREcpu1"  u32 vCPUs  then for each vCPU: u32 octets, records;  "done"
 *   record:  u32 leaf, subleaf, eax, ebx, ecx, edx; all little-endian
 * </pre>
 *
 * Memory: vCPU slot n has its records at 0x10000 + n * 0x8000 (their length in the first word) and
 * its stack below 0x7000 - n * 0x200. Counters stand at 0x500 (slots given) and 0x504 (vCPUs done).
 */
final class ProbeImage {
  static final String MAGIC = "HEREcpu1";
  static final String END = "done";
  static final int RECORD_BYTES = 24;

  /** Leaves whose answer depends on ECX, with the last subleaf that is asked. */
  static final Map<Integer, Integer> SUBLEAVES =
      Map.ofEntries(
          Map.entry(0x4, 7),
          Map.entry(0x7, 3),
          Map.entry(0xb, 3),
          Map.entry(0xd, 63),
          Map.entry(0xf, 1),
          Map.entry(0x10, 3),
          Map.entry(0x12, 3),
          Map.entry(0x14, 1),
          Map.entry(0x17, 3),
          Map.entry(0x18, 7),
          Map.entry(0x1d, 1),
          Map.entry(0x1e, 1),
          Map.entry(0x1f, 5),
          Map.entry(0x24, 1),
          Map.entry(0x8000001d, 7),
          Map.entry(0x80000026, 3));

  /** First leaves of the ranges; the first answers with the range's last leaf in EAX. */
  static final int[] RANGES = {0, 0x40000000, 0x40000100, 0x80000000, 0xc0000000};

  private static final int IMAGE_BYTES = 0x10000;
  private static final int BASE = 0xf0000;
  private static final int TRAMPOLINE = 0x8000;
  private static final int TRAMPOLINE_BYTES = 0x40;

  private final ByteArrayOutputStream code = new ByteArrayOutputStream();
  private final Map<String, Integer> labels;
  private final Map<String, Integer> placed = new HashMap<>();

  private ProbeImage(Map<String, Integer> labels) {
    this.labels = labels;
  }

  /** The image, for QEMU's -bios. */
  static byte[] build() {
    var first = new ProbeImage(Map.of());
    first.assemble();
    var second = new ProbeImage(first.placed);
    second.assemble();
    byte[] image = new byte[IMAGE_BYTES];
    byte[] octets = second.code.toByteArray();
    System.arraycopy(octets, 0, image, 0, octets.length);
    byte[] reset = HexFormat.of().parseHex("ea000000f0"); // jmp f000:0000
    System.arraycopy(reset, 0, image, 0xfff0, reset.length);
    return image;
  }

  private void assemble() {
    bootProcessor();
    otherProcessors();
    output();
    probe();
    tables();
  }

  private void bootProcessor() {
    hex("fa fc"); // cli; cld
    hex("2e 66 0f 01 16").offset("gdtPointer"); // lgdt cs:[gdtPointer]
    hex("0f 20 c0 0c 01 0f 22 c0"); // cr0 |= PE
    hex("66 ea").address("boot32").hex("08 00"); // jmp 08:boot32
    label("boot32");
    flatSegments();
    hex("bc").word(0x7000); // mov esp
    hex("c7 05").word(0x500).word(1); // slots given = 1
    hex("c7 05").word(0x504).word(0); // vCPUs done = 0
    hex("be").address("trampoline").hex("bf").word(TRAMPOLINE); // esi, edi
    hex("b9").word(TRAMPOLINE_BYTES).hex("f3 a4"); // rep movsb
    hex("bf").word(0x10000).call("probe");
    hex("66 ba 10 05 66 b8 05 00 66 ef"); // outw 0x510, 5: the firmware item NB_CPUS
    hex("66 ba 11 05 ec 88 c1 ec 88 c5"); // inb 0x511 twice to cl, ch
    hex("0f b7 e9"); // movzx ebp, cx
    hex("81 25").word(0xfee000f0).word(0xffffff00); // spurious vector register: clear
    hex("81 0d").word(0xfee000f0).word(0x1ff); // and enable the local APIC
    hex("c7 05").word(0xfee00300).word(0x000c4500).call("delay"); // INIT to all others
    hex("c7 05").word(0xfee00300).word(0x000c4608).call("delay"); // start at 0x8000
    label("wait");
    hex("f3 90 a1").word(0x504).hex("40 39 e8"); // pause; eax = done + 1; cmp eax, ebp
    hex("72").near("wait"); // jb
    hex("e9").far("report");
    label("delay"); // 20,000 writes to port 0x80
    hex("b9").word(20_000);
    label("delayOn");
    hex("e6 80 49 75").near("delayOn").hex("c3");
  }

  /** Others start in real mode at the trampoline's copy. */
  private void otherProcessors() {
    label("trampoline");
    hex("fa fc 31 c0 8e d8"); // cli; cld; ds = 0
    hex("66 0f 01 16").half(TRAMPOLINE + 0x30); // lgdt [copy of the pointer]
    hex("0f 20 c0 0c 01 0f 22 c0 66 ea").address("other32").hex("08 00");
    while (here() < placed("trampoline") + 0x30) {
      hex("90");
    }
    half(0x17).address("gdt");
    while (here() < placed("trampoline") + TRAMPOLINE_BYTES) {
      hex("90");
    }
    label("other32");
    flatSegments();
    hex("b8").word(1).hex("f0 0f c1 05").word(0x500); // eax = slot, by locked xadd
    hex("83 f8 08 73").near("stop"); // more than 8 are not asked
    hex("89 c1 c1 e1 09 bc").word(0x7000).hex("29 cc"); // esp = 0x7000 - slot * 0x200
    hex("89 c7 c1 e7 0f 81 c7").word(0x10000); // edi = 0x10000 + slot * 0x8000
    call("probe");
    hex("f0 ff 05").word(0x504); // lock inc done
    label("stop");
    hex("f4 eb").near("stop"); // hlt; jmp
  }

  private void output() {
    label("report");
    hex("66 ba e9 00 be").address("magic").hex("b9").word(MAGIC.length()).hex("f3 6e");
    hex("89 2d").word(0x508).hex("be").word(0x508).hex("b9").word(4).hex("f3 6e"); // vCPUs
    hex("31 db"); // ebx = slot
    label("slot");
    hex("89 de c1 e6 0f 81 c6").word(0x10000); // esi = its records
    hex("8b 0e 83 c1 04 f3 6e"); // ecx = [esi] + 4; rep outsb
    hex("43 39 eb 72").near("slot"); // next slot below ebp
    hex("be").address("end").hex("b9").word(END.length()).hex("f3 6e");
    hex("66 ba f4 00 31 c0 ef f4"); // outl 0xf4, 0; hlt
  }

  /** In: edi = records of this vCPU. */
  private void probe() {
    label("probe");
    hex("57 83 c7 04"); // push edi; edi += 4
    for (int base : RANGES) {
      hex("b8").word(base).call("range");
    }
    hex("59 29 cf 83 ef 04 89 39 c3"); // pop ecx; [ecx] = edi - ecx - 4; ret
    label("range"); // in: eax = first leaf
    hex("89 c6 50 31 c9 0f a2 5a"); // esi = leaf; cpuid; edx = first leaf
    hex("29 d0 83 f8 3f 76 02 31 c0 01 d0 50"); // push last leaf; an absurd one counts as first
    label("leaf");
    hex("31 ed"); // ebp = subleaf
    label("subleaf");
    hex("89 f0 89 e9 0f a2"); // cpuid
    hex("89 37 89 6f 04 89 47 08 89 5f 0c 89 4f 10 89 57 14 83 c7 18 45"); // store; edi, ebp on
    hex("bb").address("subleaves");
    label("find");
    hex("8b 03 83 f8 ff 74").near("nextLeaf"); // -1 ends the table
    hex("39 f0 74 05 83 c3 08 eb").near("find");
    hex("3b 6b 04 76").near("subleaf"); // ebp <= last subleaf
    label("nextLeaf");
    hex("46 3b 34 24 76").near("leaf"); // esi <= last leaf
    hex("58 c3");
  }

  private void tables() {
    label("magic");
    code.writeBytes(MAGIC.getBytes(StandardCharsets.US_ASCII));
    label("end");
    code.writeBytes(END.getBytes(StandardCharsets.US_ASCII));
    label("gdt");
    hex("00 00 00 00 00 00 00 00"); // null, then flat code and flat data
    hex("ff ff 00 00 00 9b cf 00 ff ff 00 00 00 93 cf 00");
    label("gdtPointer");
    half(0x17).address("gdt");
    label("subleaves");
    SUBLEAVES.forEach((leaf, last) -> word(leaf).word(last));
    word(-1);
  }

  private void flatSegments() {
    hex("66 b8 10 00 8e d8 8e c0 8e d0"); // ds, es, ss = 0x10
  }

  private int here() {
    return code.size();
  }

  private void label(String name) {
    placed.put(name, here());
  }

  private int placed(String name) {
    return placed.getOrDefault(name, 0);
  }

  private int offsetOf(String name) {
    return labels.getOrDefault(name, 0);
  }

  private ProbeImage hex(String octets) {
    code.writeBytes(HexFormat.of().parseHex(octets.replace(" ", "")));
    return this;
  }

  private ProbeImage half(int value) {
    code.write(value);
    code.write(value >> 8);
    return this;
  }

  private ProbeImage word(int value) {
    code.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    return this;
  }

  /** 16-bit offset of a label in the image. */
  private void offset(String name) {
    half(offsetOf(name));
  }

  /** 32-bit linear address of a label. */
  private ProbeImage address(String name) {
    return word(BASE + offsetOf(name));
  }

  /** 8-bit relative jump. */
  private ProbeImage near(String name) {
    code.write(offsetOf(name) - (here() + 1));
    return this;
  }

  /** 32-bit relative jump. */
  private void far(String name) {
    word(offsetOf(name) - (here() + 4));
  }

  private void call(String name) {
    hex("e8").far(name);
  }
}

package dev.here.vmm;

import dev.here.machine.AcpiPmState;
import dev.here.machine.HpetState;
import dev.here.machine.IoApicState;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The ACPI tables of a machine that boots by itself (ACPI specification 6.4, chapter 5): RSDP at
 * {@link #RSDP_GPA}, then RSDT, XSDT, FADT, FACS, MADT, HPET (IA-PC HPET specification, section
 * 3.2.4) and DSDT.
 */
final class AcpiTables {
  /** Where the root pointer lies. */
  static final long RSDP_GPA = 0xe0000;

  private static final int HEADER_BYTES = 36;
  private static final int PM_INTERRUPT = 9;
  private static final int[] PIRQ_INTERRUPTS = {10, 10, 11, 11};
  private static final long PCI_WINDOW_GPA = 0xc0000000L;
  private static final long PCI_WINDOW_LAST = 0xfebfffffL;

  private final GuestMemory memory;
  private long next = RSDP_GPA + 64;

  private AcpiTables(GuestMemory memory) {
    this.memory = memory;
  }

  /**
   * Writes all tables.
   *
   * @param lowMemoryEndGpa end of the RAM below 4 GiB; PCI memory starts no lower
   */
  static void write(
      GuestMemory memory,
      List<Integer> apicIds,
      IoApicState ioApic,
      AcpiPmState pm,
      HpetState hpet,
      long lowMemoryEndGpa) {
    AcpiTables tables = new AcpiTables(memory);
    long facs = tables.facs();
    long dsdt = tables.table("DSDT", 2, dsdt(Math.max(lowMemoryEndGpa, PCI_WINDOW_GPA)));
    List<Long> listed = new ArrayList<>();
    listed.add(tables.table("FACP", 3, fadt(pm, facs, dsdt)));
    listed.add(tables.table("APIC", 3, madt(apicIds, ioApic)));
    listed.add(tables.table("HPET", 1, hpet(hpet)));
    ByteBuffer narrow = buffer(listed.size() * 4);
    ByteBuffer wide = buffer(listed.size() * 8);
    for (long gpa : listed) {
      narrow.putInt((int) gpa);
      wide.putLong(gpa);
    }
    long rsdt = tables.table("RSDT", 1, narrow.array());
    tables.rsdp(rsdt, tables.table("XSDT", 1, wide.array()));
  }

  private void rsdp(long rsdt, long xsdt) {
    ByteBuffer root = buffer(36);
    root.put(0, "RSD PTR ".getBytes(StandardCharsets.US_ASCII));
    root.put(9, "HERE  ".getBytes(StandardCharsets.US_ASCII));
    root.put(15, (byte) 2);
    root.putInt(16, (int) rsdt);
    root.putInt(20, 36);
    root.putLong(24, xsdt);
    root.put(8, checksum(root.array(), 20));
    root.put(32, checksum(root.array(), 36));
    write(RSDP_GPA, root.array());
  }

  private long facs() {
    ByteBuffer facs = buffer(64);
    facs.put(0, "FACS".getBytes(StandardCharsets.US_ASCII));
    facs.putInt(4, 64);
    facs.put(32, (byte) 1);
    long gpa = place(64);
    write(gpa, facs.array());
    return gpa;
  }

  private long table(String signature, int revision, byte[] body) {
    ByteBuffer table = buffer(HEADER_BYTES + body.length);
    table.put(0, signature.getBytes(StandardCharsets.US_ASCII));
    table.putInt(4, table.capacity());
    table.put(8, (byte) revision);
    table.put(10, "HERE  HEREVMM ".getBytes(StandardCharsets.US_ASCII));
    table.putInt(24, 1);
    table.put(28, "HERE".getBytes(StandardCharsets.US_ASCII));
    table.putInt(32, 1);
    table.put(HEADER_BYTES, body);
    table.put(9, checksum(table.array(), table.capacity()));
    long gpa = place(table.capacity());
    write(gpa, table.array());
    return gpa;
  }

  private long place(int sizeBytes) {
    long gpa = next;
    next = next + sizeBytes + 63 & ~63L;
    return gpa;
  }

  private void write(long gpa, byte[] octets) {
    memory.mapped(gpa, octets.length, true).copyFrom(MemorySegment.ofArray(octets));
  }

  private static byte[] fadt(AcpiPmState pm, long facs, long dsdt) {
    ByteBuffer body = buffer(244 - HEADER_BYTES);
    at(body, 36).putInt((int) facs).putInt((int) dsdt);
    at(body, 46).putShort((short) PM_INTERRUPT).putInt(0xb2).put((byte) 0xf1).put((byte) 0xf0);
    at(body, 56).putInt(pm.pmBase());
    at(body, 64).putInt(pm.pmBase() + 4);
    at(body, 76).putInt(pm.pmBase() + 8).putInt(pm.gpeBase());
    int gpeBytes = pm.gpeStatus().length() + pm.gpeEnable().length();
    at(body, 88).put(new byte[] {4, 2, 0, 4, (byte) gpeBytes});
    at(body, 96).putShort((short) 0xfff).putShort((short) 0xfff);
    at(body, 108).put((byte) RtcTime.CENTURY).putShort((short) 3);
    at(body, 112).putInt(1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 10);
    generic(at(body, 116), 8, 0xcf9);
    at(body, 128).put((byte) 6);
    at(body, 132).putLong(facs).putLong(dsdt);
    generic(at(body, 148), 32, pm.pmBase());
    generic(at(body, 172), 16, pm.pmBase() + 4);
    generic(at(body, 208), 32, pm.pmBase() + 8);
    generic(at(body, 220), gpeBytes * 8, pm.gpeBase());
    return body.array();
  }

  /** A generic address structure for ports. */
  private static void generic(ByteBuffer body, int bits, int port) {
    body.put((byte) 1).put((byte) bits).put((byte) 0).put((byte) (bits == 8 ? 1 : 0)).putLong(port);
  }

  private static byte[] madt(List<Integer> apicIds, IoApicState ioApic) {
    ByteBuffer body = buffer(8 + apicIds.size() * 8 + 12 + 4 * 10 + 6);
    body.putInt(0xfee00000).putInt(1);
    for (int index = 0; index < apicIds.size(); index++) {
      body.put((byte) 0).put((byte) 8).put((byte) index).put((byte) (int) apicIds.get(index));
      body.putInt(1);
    }
    body.put((byte) 1).put((byte) 12).put((byte) ioApic.id()).put((byte) 0);
    body.putInt((int) ioApic.gpa()).putInt(0);
    override(body, 0, 2, 0);
    override(body, PM_INTERRUPT, PM_INTERRUPT, 0xd);
    override(body, 10, 10, 0xd);
    override(body, 11, 11, 0xd);
    body.put((byte) 4).put((byte) 6).put((byte) 0xff).putShort((short) 0).put((byte) 1);
    return body.array();
  }

  private static void override(ByteBuffer body, int source, int gsi, int flags) {
    body.put((byte) 2).put((byte) 10).put((byte) 0).put((byte) source);
    body.putInt(gsi).putShort((short) flags);
  }

  private static byte[] hpet(HpetState hpet) {
    ByteBuffer body = buffer(56 - HEADER_BYTES);
    body.putInt((int) hpet.capabilities());
    body.putInt(0).putLong(hpet.gpa());
    return body.array();
  }

  private static byte[] dsdt(long pciMemoryGpa) {
    return Aml.join(
        Aml.name(
            "\\_S5", Aml.array(Aml.integer(0), Aml.integer(0), Aml.integer(0), Aml.integer(0))),
        Aml.scope(
            "\\_SB",
            Aml.device(
                "PCI0",
                Aml.name("_HID", Aml.eisaId("PNP0A03")),
                Aml.name("_UID", Aml.integer(0)),
                Aml.name(
                    "_CRS",
                    Aml.resources(
                        Aml.window(2, 0, 0, 0xff),
                        Aml.ports(0xcf8, 8),
                        Aml.window(1, 3, 0, 0xcf7),
                        Aml.window(1, 3, 0xd00, 0xffff),
                        Aml.window(0, 1, pciMemoryGpa, PCI_WINDOW_LAST))),
                Aml.name("_PRT", routing())),
            link(0),
            link(1),
            link(2),
            link(3),
            isa("COM1", "PNP0501", Aml.ports(0x3f8, 8), Aml.isaInterrupt(4)),
            isa("RTC", "PNP0B00", Aml.ports(0x70, 2), Aml.isaInterrupt(8)),
            isa("KBD", "PNP0303", Aml.ports(0x60, 1), Aml.ports(0x64, 1), Aml.isaInterrupt(1)),
            isa("MOU", "PNP0F13", Aml.isaInterrupt(12))));
  }

  private static byte[] isa(String name, String id, byte[]... resources) {
    return Aml.device(
        name, Aml.name("_HID", Aml.eisaId(id)), Aml.name("_CRS", Aml.resources(resources)));
  }

  /** PIRQ A to D, each wired to its interrupt for good. */
  private static byte[] link(int pirq) {
    byte[] interrupt = Aml.resources(Aml.sharedInterrupt(PIRQ_INTERRUPTS[pirq]));
    return Aml.device(
        linkName(pirq),
        Aml.name("_HID", Aml.eisaId("PNP0C0F")),
        Aml.name("_UID", Aml.integer(pirq)),
        Aml.name("_PRS", interrupt),
        Aml.name("_CRS", interrupt),
        Aml.emptyMethod("_SRS", 1));
  }

  private static byte[] routing() {
    byte[][] routes = new byte[31 * 4][];
    for (int slot = 1; slot < 32; slot++) {
      for (int pin = 0; pin < 4; pin++) {
        routes[(slot - 1) * 4 + pin] =
            Aml.array(
                Aml.integer(slot << 16 | 0xffffL),
                Aml.integer(pin),
                Aml.path(linkName(slot - 1 + pin & 3)),
                Aml.integer(0));
      }
    }
    return Aml.array(routes);
  }

  private static String linkName(int pirq) {
    return "LNK" + (char) ('A' + pirq);
  }

  private static ByteBuffer at(ByteBuffer body, int tableOffset) {
    return body.position(tableOffset - HEADER_BYTES);
  }

  private static ByteBuffer buffer(int sizeBytes) {
    return ByteBuffer.allocate(sizeBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte checksum(byte[] octets, int length) {
    int sum = 0;
    for (int at = 0; at < length; at++) {
      sum += octets[at];
    }
    return (byte) -sum;
  }
}

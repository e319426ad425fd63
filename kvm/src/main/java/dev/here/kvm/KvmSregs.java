package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A vCPU's segment, table and control registers (struct kvm_sregs2, or struct kvm_sregs where the
 * host has only that).
 *
 * @param pdptrs the four PDPTEs when the guest is in PAE paging and the host tells them, else
 *     empty. An interrupt that is being injected is part of {@link VcpuEvents}, not of this.
 */
public record KvmSregs(
    KvmSegment cs,
    KvmSegment ds,
    KvmSegment es,
    KvmSegment fs,
    KvmSegment gs,
    KvmSegment ss,
    KvmSegment tr,
    KvmSegment ldt,
    KvmTable gdt,
    KvmTable idt,
    long cr0,
    long cr2,
    long cr3,
    long cr4,
    long cr8,
    long efer,
    long apicBase,
    List<Long> pdptrs) {
  private static final long SREGS2_FLAGS = 280;
  private static final long SREGS2_PDPTRS = 288;
  private static final long PDPTRS_VALID = 1;
  private static final long SREGS_INTERRUPT_BITMAP = 280;

  public KvmSregs {
    pdptrs = List.copyOf(pdptrs);
  }

  /**
   * These registers in 64-bit mode of ring 0: flat segments, paging on with the PML4 at {@code
   * cr3}. The null GDT and IDT are kept from this.
   */
  public KvmSregs longMode(long cr3Gpa) {
    KvmSegment code = KvmSegment.code64(8);
    KvmSegment data = KvmSegment.data(16);
    return new KvmSregs(
        code,
        data,
        data,
        data,
        data,
        data,
        tr,
        ldt,
        gdt,
        idt,
        0x8000_0033L,
        0,
        cr3Gpa,
        0x620,
        0,
        0x500,
        apicBase,
        List.of());
  }

  /** With other descriptor tables. */
  public KvmSregs withTables(KvmTable newGdt, KvmTable newIdt) {
    return new KvmSregs(
        cs, ds, es, fs, gs, ss, tr, ldt, newGdt, newIdt, cr0, cr2, cr3, cr4, cr8, efer, apicBase,
        pdptrs);
  }

  static KvmSregs getLegacy(MemorySegment in) {
    return get(in, List.of());
  }

  static KvmSregs get2(MemorySegment in) {
    if ((in.get(JAVA_LONG, SREGS2_FLAGS) & PDPTRS_VALID) == 0) {
      return get(in, List.of());
    }
    return get(
        in,
        List.of(
            in.get(JAVA_LONG, SREGS2_PDPTRS),
            in.get(JAVA_LONG, SREGS2_PDPTRS + 8),
            in.get(JAVA_LONG, SREGS2_PDPTRS + 16),
            in.get(JAVA_LONG, SREGS2_PDPTRS + 24)));
  }

  private static KvmSregs get(MemorySegment in, List<Long> pdptrs) {
    return new KvmSregs(
        KvmSegment.get(in, 0),
        KvmSegment.get(in, 24),
        KvmSegment.get(in, 48),
        KvmSegment.get(in, 72),
        KvmSegment.get(in, 96),
        KvmSegment.get(in, 120),
        KvmSegment.get(in, 144),
        KvmSegment.get(in, 168),
        KvmTable.get(in, 192),
        KvmTable.get(in, 208),
        in.get(JAVA_LONG, 224),
        in.get(JAVA_LONG, 232),
        in.get(JAVA_LONG, 240),
        in.get(JAVA_LONG, 248),
        in.get(JAVA_LONG, 256),
        in.get(JAVA_LONG, 264),
        in.get(JAVA_LONG, 272),
        pdptrs);
  }

  void putLegacy(MemorySegment out) {
    put(out);
    for (int i = 0; i < 4; i++) {
      out.set(JAVA_LONG, SREGS_INTERRUPT_BITMAP + 8L * i, 0);
    }
  }

  void put2(MemorySegment out) {
    put(out);
    out.set(JAVA_LONG, SREGS2_FLAGS, pdptrs.isEmpty() ? 0 : PDPTRS_VALID);
    for (int i = 0; i < 4; i++) {
      out.set(JAVA_LONG, SREGS2_PDPTRS + 8L * i, i < pdptrs.size() ? pdptrs.get(i) : 0);
    }
  }

  private void put(MemorySegment out) {
    cs.put(out, 0);
    ds.put(out, 24);
    es.put(out, 48);
    fs.put(out, 72);
    gs.put(out, 96);
    ss.put(out, 120);
    tr.put(out, 144);
    ldt.put(out, 168);
    gdt.put(out, 192);
    idt.put(out, 208);
    out.set(JAVA_LONG, 224, cr0);
    out.set(JAVA_LONG, 232, cr2);
    out.set(JAVA_LONG, 240, cr3);
    out.set(JAVA_LONG, 248, cr4);
    out.set(JAVA_LONG, 256, cr8);
    out.set(JAVA_LONG, 264, efer);
    out.set(JAVA_LONG, 272, apicBase);
  }
}

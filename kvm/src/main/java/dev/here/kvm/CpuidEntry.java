package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.here.ffi.Errno;
import dev.here.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * One CPUID leaf (struct kvm_cpuid_entry2).
 *
 * @param function leaf, the EAX that the guest gives
 * @param index subleaf, the ECX that the guest gives, when {@link #FLAG_SIGNIFICANT_INDEX} is set
 * @param flags KVM_CPUID_FLAG_ bits
 */
public record CpuidEntry(int function, int index, int flags, int eax, int ebx, int ecx, int edx) {
  /** KVM_CPUID_FLAG_SIGNIFCANT_INDEX: the leaf has subleaves. */
  public static final int FLAG_SIGNIFICANT_INDEX = 1;

  /** KVM refuses more entries than this (KVM_MAX_CPUID_ENTRIES). */
  static final int MAX_ENTRIES = 256;

  private static final long HEADER_BYTES = CpuidLayout.HEADER.byteSize();
  private static final long ENTRY_BYTES = CpuidLayout.ENTRY.byteSize();

  static List<CpuidEntry> read(int fd, long request, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(HEADER_BYTES + MAX_ENTRIES * ENTRY_BYTES, 8);
      table.set(JAVA_INT, 0, MAX_ENTRIES);
      KvmCall.checked(fd, request, name, table);
      int count = Math.min(table.get(JAVA_INT, 0), MAX_ENTRIES);
      List<CpuidEntry> entries = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        entries.add(get(table, HEADER_BYTES + i * ENTRY_BYTES));
      }
      return List.copyOf(entries);
    }
  }

  static void write(int fd, List<CpuidEntry> entries) {
    if (entries.size() > MAX_ENTRIES) {
      throw new NativeException(
          Errno.E2BIG,
          "KVM_SET_CPUID2 with %d entries, at most %d".formatted(entries.size(), MAX_ENTRIES));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(HEADER_BYTES + entries.size() * ENTRY_BYTES, 8);
      table.set(JAVA_INT, 0, entries.size());
      long at = HEADER_BYTES;
      for (CpuidEntry entry : entries) {
        entry.put(table, at);
        at += ENTRY_BYTES;
      }
      KvmCall.checked(fd, KvmIoctl.KVM_SET_CPUID2, "KVM_SET_CPUID2", table);
    }
  }

  private static CpuidEntry get(MemorySegment table, long at) {
    return new CpuidEntry(
        table.get(JAVA_INT, at),
        table.get(JAVA_INT, at + 4),
        table.get(JAVA_INT, at + 8),
        table.get(JAVA_INT, at + 12),
        table.get(JAVA_INT, at + 16),
        table.get(JAVA_INT, at + 20),
        table.get(JAVA_INT, at + 24));
  }

  private void put(MemorySegment table, long at) {
    table.set(JAVA_INT, at, function);
    table.set(JAVA_INT, at + 4, index);
    table.set(JAVA_INT, at + 8, flags);
    table.set(JAVA_INT, at + 12, eax);
    table.set(JAVA_INT, at + 16, ebx);
    table.set(JAVA_INT, at + 20, ecx);
    table.set(JAVA_INT, at + 24, edx);
  }
}

package dev.here.vmm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * Loads a bzImage by the 64-bit boot protocol (Linux, Documentation/arch/x86/boot.rst and
 * zero-page.rst): the image's 64-bit entry is called in long mode with identity-mapped memory and
 * the boot parameters in RSI.
 */
final class LinuxBoot {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int HEADER_MAGIC = 0x53726448;
  private static final int BOOT_FLAG = 0xaa55;
  private static final int MIN_VERSION = 0x20c;
  private static final int XLF_KERNEL_64 = 1;
  private static final int CAN_USE_HEAP = 0x80;
  private static final int UNKNOWN_LOADER = 0xff;
  private static final int MAX_E820_ENTRIES = 128;
  private static final long ENTRY_64_OFFSET = 0x200;
  private static final long FOUR_GIB = 1L << 32;

  private LinuxBoot() {}

  /** Whether {@code image} is a bzImage. */
  static boolean recognises(MemorySegment image) {
    return image.byteSize() > 0x270
        && (image.get(U16, 0x1fe) & 0xffff) == BOOT_FLAG
        && image.get(U32, 0x202) == HEADER_MAGIC;
  }

  /**
   * Loads kernel, command line and initial RAM disk.
   *
   * @param rsdpGpa where the ACPI root pointer lies, 0 for none
   * @throws BootException when the image has no 64-bit entry or does not fit
   */
  static BootEntry load(
      GuestMemory memory,
      MemorySegment image,
      Optional<MemorySegment> initrd,
      String commandLine,
      long rsdpGpa) {
    int version = image.get(U16, 0x206) & 0xffff;
    if (version < MIN_VERSION || (image.get(U16, 0x236) & XLF_KERNEL_64) == 0) {
      throw new BootException(
          "the kernel speaks boot protocol %d.%02d without a 64-bit entry: use a 64-bit kernel, 3.8 or later"
              .formatted(version >> 8, version & 0xff));
    }
    long params = BootMemory.BOOT_PARAMS_GPA;
    memory.mapped(params, 4096, true).fill((byte) 0);
    int headerEnd = 0x202 + (image.get(ValueLayout.JAVA_BYTE, 0x201) & 0xff);
    MemorySegment.copy(
        image, 0x1f1, memory.mapped(params + 0x1f1, headerEnd - 0x1f1, true), 0, headerEnd - 0x1f1);
    long kernelGpa = loadKernel(memory, image);
    long kernelEndGpa = kernelGpa + Integer.toUnsignedLong(image.get(U32, 0x260));
    BootMemory.writeCommandLine(memory, commandLine, image.get(U32, 0x238));
    memory.putU16(params + 0x1fa, 0xffff);
    memory.putU8(params + 0x210, UNKNOWN_LOADER);
    memory.putU8(params + 0x211, memory.u8(params + 0x211) | CAN_USE_HEAP);
    memory.putU16(params + 0x224, 0xfe00);
    memory.putU32(params + 0x228, (int) BootMemory.COMMAND_LINE_GPA);
    memory.putU64(params + 0x70, rsdpGpa);
    initrd.ifPresent(disk -> loadInitrd(memory, image, disk, kernelEndGpa));
    writeE820(memory, params);
    writePageTables(memory);
    writeGdt(memory);
    return BootEntry.longMode(
        kernelGpa + ENTRY_64_OFFSET,
        params,
        BootMemory.STACK_GPA,
        BootMemory.PAGE_TABLES_GPA,
        BootMemory.GDT_GPA);
  }

  private static long loadKernel(GuestMemory memory, MemorySegment image) {
    int setupSectors = image.get(ValueLayout.JAVA_BYTE, 0x1f1) & 0xff;
    long offset = ((setupSectors == 0 ? 4 : setupSectors) + 1) * 512L;
    long sizeBytes = image.byteSize() - offset;
    long gpa = image.get(U64, 0x258);
    if (sizeBytes <= 0 || !memory.contains(gpa, sizeBytes)) {
      throw new BootException(
          "the kernel, %d octets for 0x%x, does not fit the guest's memory: give it more"
              .formatted(sizeBytes, gpa));
    }
    MemorySegment.copy(image, offset, memory.mapped(gpa, sizeBytes, true), 0, sizeBytes);
    return gpa;
  }

  private static void loadInitrd(
      GuestMemory memory, MemorySegment image, MemorySegment initrd, long kernelEndGpa) {
    long maxGpa = Integer.toUnsignedLong(image.get(U32, 0x22c)) + 1;
    long limitGpa = Math.min(maxGpa, BootMemory.highEndGpa(memory.map()));
    long gpa = BootMemory.placeHigh(memory, initrd, kernelEndGpa, limitGpa);
    memory.putU32(BootMemory.BOOT_PARAMS_GPA + 0x218, (int) gpa);
    memory.putU32(BootMemory.BOOT_PARAMS_GPA + 0x21c, (int) initrd.byteSize());
  }

  private static void writeE820(GuestMemory memory, long params) {
    List<BootMemory.Range> ranges = BootMemory.ranges(memory.map());
    if (ranges.size() > MAX_E820_ENTRIES) {
      throw new BootException(
          "%d memory ranges, the boot protocol takes %d"
              .formatted(ranges.size(), MAX_E820_ENTRIES));
    }
    memory.putU8(params + 0x1e8, ranges.size());
    long at = params + 0x2d0;
    for (BootMemory.Range range : ranges) {
      memory.putU64(at, range.gpa());
      memory.putU64(at + 8, range.sizeBytes());
      memory.putU32(at + 16, range.type());
      at += 20;
    }
  }

  /** The first 4 GiB, each address at itself, in pages of 2 MiB. */
  private static void writePageTables(GuestMemory memory) {
    long root = BootMemory.PAGE_TABLES_GPA;
    long level3 = root + 0x1000;
    long level2 = root + 0x2000;
    memory.mapped(root, 0x2000, true).fill((byte) 0);
    memory.putU64(root, level3 | 3);
    for (int gib = 0; gib < 4; gib++) {
      memory.putU64(level3 + gib * 8L, level2 + gib * 0x1000L | 3);
    }
    for (long gpa = 0; gpa < FOUR_GIB; gpa += 0x200000) {
      memory.putU64(level2 + (gpa >>> 21) * 8, gpa | 0x83);
    }
  }

  private static void writeGdt(GuestMemory memory) {
    memory.putU64(BootMemory.GDT_GPA, 0);
    memory.putU64(BootMemory.GDT_GPA + 8, 0);
    memory.putU64(BootMemory.GDT_GPA + BootEntry.CODE_SELECTOR, 0x00af9b000000ffffL);
    memory.putU64(BootMemory.GDT_GPA + BootEntry.DATA_SELECTOR, 0x00cf93000000ffffL);
  }
}

package dev.here.vmm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/**
 * A statically linked x86 ELF image, 32 or 64 bits (System V ABI, Object Files). Every offset is
 * checked against the file's size before use.
 */
final class ElfImage {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int MAGIC = 0x464c457f;
  private static final int PT_LOAD = 1;
  private static final int PT_NOTE = 4;
  private static final int XEN_ELFNOTE_PHYS32_ENTRY = 18;
  private static final int MAX_PROGRAM_HEADERS = 256;

  private final MemorySegment file;
  private final boolean wide;
  private final long headersOffset;
  private final int headerBytes;
  private final int headerCount;

  private ElfImage(MemorySegment file) {
    this.file = file;
    this.wide = file.get(ValueLayout.JAVA_BYTE, 4) == 2;
    this.headersOffset = wide ? file.get(U64, 32) : Integer.toUnsignedLong(file.get(U32, 28));
    this.headerBytes = file.get(U16, wide ? 54 : 42) & 0xffff;
    this.headerCount = file.get(U16, wide ? 56 : 44) & 0xffff;
    if (headerCount == 0 || headerCount > MAX_PROGRAM_HEADERS || headerBytes < (wide ? 56 : 32)) {
      throw new BootException(
          "ELF image has %d program headers of %d octets: not a bootable executable"
              .formatted(headerCount, headerBytes));
    }
    checkPart("program headers", headersOffset, (long) headerBytes * headerCount);
  }

  /** Whether {@code file} starts as an ELF file does. */
  static boolean recognises(MemorySegment file) {
    return file.byteSize() >= 64 && file.get(U32, 0) == MAGIC;
  }

  /**
   * Reads the headers.
   *
   * @throws BootException when they are inconsistent
   */
  static ElfImage of(MemorySegment file) {
    if (!recognises(file)) {
      throw new BootException("not an ELF image");
    }
    return new ElfImage(file);
  }

  /** The entry point as the header gives it. */
  long entry() {
    return wide ? file.get(U64, 24) : Integer.toUnsignedLong(file.get(U32, 24));
  }

  /**
   * Copies every loadable segment to its physical address and zeroes what the file does not hold.
   *
   * @return the first guest-physical address after the image
   */
  long load(GuestMemory memory) {
    long endGpa = 0;
    for (int index = 0; index < headerCount; index++) {
      long header = headersOffset + (long) index * headerBytes;
      if (file.get(U32, header) == PT_LOAD) {
        endGpa = Math.max(endGpa, loadSegment(memory, header));
      }
    }
    return endGpa;
  }

  private long loadSegment(GuestMemory memory, long header) {
    long offset = field(header, 8, 4);
    long gpa = field(header, 24, 12);
    long fileBytes = field(header, 32, 16);
    long memoryBytes = field(header, 40, 20);
    checkPart("segment", offset, fileBytes);
    if (memoryBytes < fileBytes || !memory.contains(gpa, memoryBytes)) {
      throw new BootException(
          "ELF segment of %d octets at 0x%x does not fit the guest's memory: give it more"
              .formatted(memoryBytes, gpa));
    }
    if (memoryBytes > 0) {
      MemorySegment target = memory.mapped(gpa, memoryBytes, true);
      MemorySegment.copy(file, offset, target, 0, fileBytes);
      target.asSlice(fileBytes).fill((byte) 0);
    }
    return gpa + memoryBytes;
  }

  /** The PVH entry point, from the note that Xen defined for it. */
  OptionalLong pvhEntry() {
    for (int index = 0; index < headerCount; index++) {
      long header = headersOffset + (long) index * headerBytes;
      if (file.get(U32, header) == PT_NOTE) {
        long offset = field(header, 8, 4);
        long sizeBytes = field(header, 32, 16);
        checkPart("notes", offset, sizeBytes);
        OptionalLong entry = findPvhEntry(offset, offset + sizeBytes);
        if (entry.isPresent()) {
          return entry;
        }
      }
    }
    return OptionalLong.empty();
  }

  private OptionalLong findPvhEntry(long start, long end) {
    long at = start;
    while (at + 12 <= end) {
      long nameBytes = Integer.toUnsignedLong(file.get(U32, at));
      long valueBytes = Integer.toUnsignedLong(file.get(U32, at + 4));
      int type = file.get(U32, at + 8);
      long value = at + 12 + (nameBytes + 3) / 4 * 4;
      if (value + valueBytes > end) {
        return OptionalLong.empty();
      }
      if (type == XEN_ELFNOTE_PHYS32_ENTRY
          && nameBytes == 4
          && file.get(U32, at + 12) == 0x6e6558) {
        return switch ((int) valueBytes) {
          case 4 -> OptionalLong.of(Integer.toUnsignedLong(file.get(U32, value)));
          case 8 -> OptionalLong.of(file.get(U64, value));
          default -> OptionalLong.empty();
        };
      }
      at = value + (valueBytes + 3) / 4 * 4;
    }
    return OptionalLong.empty();
  }

  private long field(long header, int wideOffset, int narrowOffset) {
    return wide
        ? file.get(U64, header + wideOffset)
        : Integer.toUnsignedLong(file.get(U32, header + narrowOffset));
  }

  private void checkPart(String what, long offset, long sizeBytes) {
    if (offset < 0 || sizeBytes < 0 || offset > file.byteSize() - sizeBytes) {
      throw new BootException(
          "ELF %s at offset %d, %d octets, lie outside the file of %d octets"
              .formatted(what, offset, sizeBytes, file.byteSize()));
    }
  }
}

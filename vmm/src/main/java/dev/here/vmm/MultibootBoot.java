package dev.here.vmm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Loads an image by the Multiboot specification, version 0.6.96: the header within the first 8192
 * octets, loaded by its own addresses (flag 16) or as ELF, entered in 32-bit protected mode with
 * the information structure in EBX.
 */
final class MultibootBoot {
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int HEADER_MAGIC = 0x1badb002;
  private static final int LOADER_MAGIC = 0x2badb002;
  private static final int SEARCH_BYTES = 8192;
  private static final int HAS_ADDRESSES = 1 << 16;
  private static final int INFO_MEMORY = 1;
  private static final int INFO_COMMAND_LINE = 1 << 2;
  private static final int INFO_MODULES = 1 << 3;
  private static final int INFO_MEMORY_MAP = 1 << 6;
  private static final long INFO_BYTES = 128;
  private static final int RANGE_BYTES = 24;

  private MultibootBoot() {}

  /** Whether {@code image} holds a multiboot header. */
  static boolean recognises(MemorySegment image) {
    return header(image).isPresent();
  }

  private static OptionalLong header(MemorySegment image) {
    long end = Math.min(image.byteSize(), SEARCH_BYTES) - 12;
    for (long at = 0; at <= end; at += 4) {
      if (image.get(U32, at) == HEADER_MAGIC
          && image.get(U32, at) + image.get(U32, at + 4) + image.get(U32, at + 8) == 0) {
        return OptionalLong.of(at);
      }
    }
    return OptionalLong.empty();
  }

  /**
   * Loads the image, the command line and one module.
   *
   * @throws BootException when there is no header or it does not fit
   */
  static BootEntry load(
      GuestMemory memory, MemorySegment image, Optional<MemorySegment> module, String commandLine) {
    long header =
        header(image).orElseThrow(() -> new BootException("the image has no multiboot header"));
    boolean addresses = (image.get(U32, header + 4) & HAS_ADDRESSES) != 0;
    long endGpa;
    long entry;
    if (addresses) {
      if (header + 32 > image.byteSize()) {
        throw new BootException("the multiboot header is cut short");
      }
      endGpa = loadByAddresses(memory, image, header);
      entry = unsigned(image, header + 28);
    } else {
      ElfImage elf = ElfImage.of(image);
      endGpa = elf.load(memory);
      entry = elf.entry();
    }
    writeInformation(memory, module, commandLine, endGpa);
    return BootEntry.protectedMode(entry, LOADER_MAGIC, BootMemory.START_INFO_GPA);
  }

  private static long loadByAddresses(GuestMemory memory, MemorySegment image, long header) {
    long headerGpa = unsigned(image, header + 12);
    long loadGpa = unsigned(image, header + 16);
    long loadEndGpa = unsigned(image, header + 20);
    long bssEndGpa = unsigned(image, header + 24);
    long offset = header - (headerGpa - loadGpa);
    long loadBytes = loadEndGpa == 0 ? image.byteSize() - offset : loadEndGpa - loadGpa;
    long memoryBytes = Math.max(bssEndGpa == 0 ? 0 : bssEndGpa - loadGpa, loadBytes);
    if (offset < 0 || loadBytes < 0 || offset > image.byteSize() - loadBytes) {
      throw new BootException(
          "multiboot addresses (load 0x%x to 0x%x) lie outside the file"
              .formatted(loadGpa, loadEndGpa));
    }
    if (!memory.contains(loadGpa, memoryBytes)) {
      throw new BootException(
          "the image, %d octets for 0x%x, does not fit the guest's memory: give it more"
              .formatted(memoryBytes, loadGpa));
    }
    MemorySegment target = memory.mapped(loadGpa, memoryBytes, true);
    MemorySegment.copy(image, offset, target, 0, loadBytes);
    target.asSlice(loadBytes).fill((byte) 0);
    return loadGpa + memoryBytes;
  }

  private static void writeInformation(
      GuestMemory memory, Optional<MemorySegment> module, String commandLine, long endGpa) {
    BootMemory.writeCommandLine(memory, commandLine, BootMemory.COMMAND_LINE_BYTES - 1);
    long info = BootMemory.START_INFO_GPA;
    long highEndGpa = BootMemory.highEndGpa(memory.map());
    memory.mapped(info, INFO_BYTES, true).fill((byte) 0);
    memory.putU32(
        info,
        INFO_MEMORY
            | INFO_COMMAND_LINE
            | INFO_MEMORY_MAP
            | (module.isPresent() ? INFO_MODULES : 0));
    memory.putU32(info + 4, (int) (BootMemory.LOW_END_GPA / 1024));
    memory.putU32(info + 8, (int) ((highEndGpa - BootMemory.HIGH_START_GPA) / 1024));
    memory.putU32(info + 16, (int) BootMemory.COMMAND_LINE_GPA);
    if (module.isPresent()) {
      long at = info + INFO_BYTES;
      long gpa = BootMemory.placeHigh(memory, module.get(), endGpa, highEndGpa);
      memory.putU32(info + 20, 1);
      memory.putU32(info + 24, (int) at);
      memory.putU32(at, (int) gpa);
      memory.putU32(at + 4, (int) (gpa + module.get().byteSize()));
      memory.putU64(at + 8, 0);
    }
    List<BootMemory.Range> ranges = BootMemory.ranges(memory.map());
    long at = info + INFO_BYTES + 16;
    memory.putU32(info + 44, ranges.size() * RANGE_BYTES);
    memory.putU32(info + 48, (int) at);
    for (BootMemory.Range range : ranges) {
      memory.putU32(at, RANGE_BYTES - 4);
      memory.putU64(at + 4, range.gpa());
      memory.putU64(at + 12, range.sizeBytes());
      memory.putU32(at + 20, range.type());
      at += RANGE_BYTES;
    }
  }

  private static long unsigned(MemorySegment image, long offset) {
    return Integer.toUnsignedLong(image.get(U32, offset));
  }
}

package dev.here.vmm;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Loads an ELF image by the PVH protocol (Xen, docs/misc/pvh.pandoc and
 * public/arch-x86/hvm/start_info.h): 32-bit protected mode, start information in EBX.
 */
final class PvhBoot {
  private static final int START_MAGIC = 0x336ec578;
  private static final int START_BYTES = 56;
  private static final int MODULE_BYTES = 32;
  private static final int RANGE_BYTES = 24;

  private PvhBoot() {}

  /** Whether {@code image} is an ELF file with a PVH entry. */
  static boolean recognises(MemorySegment image) {
    return ElfImage.recognises(image) && ElfImage.of(image).pvhEntry().isPresent();
  }

  /**
   * Loads kernel, command line and initial RAM disk.
   *
   * @param rsdpGpa where the ACPI root pointer lies, 0 for none
   * @throws BootException when the image has no PVH entry or does not fit
   */
  static BootEntry load(
      GuestMemory memory,
      MemorySegment image,
      Optional<MemorySegment> initrd,
      String commandLine,
      long rsdpGpa) {
    ElfImage elf = ElfImage.of(image);
    long entry =
        elf.pvhEntry()
            .orElseThrow(() ->
                new BootException("the ELF image has no PVH entry: build it with CONFIG_PVH"));
    long endGpa = elf.load(memory);
    BootMemory.writeCommandLine(memory, commandLine, BootMemory.COMMAND_LINE_BYTES - 1);
    long start = BootMemory.START_INFO_GPA;
    long modules = start + START_BYTES;
    long rangesGpa = modules + MODULE_BYTES;
    List<BootMemory.Range> ranges = BootMemory.ranges(memory.map());
    memory.putU32(start, START_MAGIC);
    memory.putU32(start + 4, 1);
    memory.putU32(start + 8, 0);
    memory.putU32(start + 12, initrd.isPresent() ? 1 : 0);
    memory.putU64(start + 16, modules);
    memory.putU64(start + 24, BootMemory.COMMAND_LINE_GPA);
    memory.putU64(start + 32, rsdpGpa);
    memory.putU64(start + 40, rangesGpa);
    memory.putU32(start + 48, ranges.size());
    memory.putU32(start + 52, 0);
    if (initrd.isPresent()) {
      MemorySegment disk = initrd.get();
      long limitGpa = BootMemory.highEndGpa(memory.map());
      memory.putU64(modules, BootMemory.placeHigh(memory, disk, endGpa, limitGpa));
      memory.putU64(modules + 8, disk.byteSize());
      memory.putU64(modules + 16, 0);
      memory.putU64(modules + 24, 0);
    }
    for (int at = 0; at < ranges.size(); at++) {
      long gpa = rangesGpa + (long) at * RANGE_BYTES;
      memory.putU64(gpa, ranges.get(at).gpa());
      memory.putU64(gpa + 8, ranges.get(at).sizeBytes());
      memory.putU32(gpa + 16, ranges.get(at).type());
      memory.putU32(gpa + 20, 0);
    }
    return BootEntry.protectedMode(entry, 0, start);
  }
}

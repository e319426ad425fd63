package dev.here.driver.qemu;

import dev.here.formats.qemu.QemuMemoryTree;
import dev.here.formats.qemu.QemuMemoryTree.Range;
import dev.here.formats.qemu.QemuStreamException;
import dev.here.hypervisor.HypervisorException;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.util.ArrayList;
import java.util.List;

/**
 * Lays what QEMU says of the guest's address space over its RAM blocks, before anything is
 * migrated. The backing is all blocks one after the other in stream order, as in {@link
 * dev.here.formats.qemu.QemuMemoryLayout}.
 */
final class LiveMemoryMap {
  private LiveMemoryMap() {}

  /**
   * The guest's memory as it is mapped now.
   *
   * @param memoryTree the text of {@code info mtree -f}
   * @throws HypervisorException when a mapped range cannot be found in the blocks or carried
   */
  static MemoryMap of(String memoryTree, List<QemuRamBlock> blocks) {
    try {
      var regions = new ArrayList<MemoryRegion>();
      for (Range range : QemuMemoryTree.parse(memoryTree).memory()) {
        switch (range.kind()) {
          case "ram" ->
              regions.add(
                  region(
                      range,
                      blocks,
                      range.name().endsWith("vga.vram") ? MemoryKind.FRAMEBUFFER : MemoryKind.RAM));
          case "rom", "romd" -> regions.add(region(range, blocks, MemoryKind.ROM));
          case "i/o" -> {}
          default ->
              throw new HypervisorException(
                  "guest memory at 0x%x is of kind '%s' (%s), which cannot be carried"
                      .formatted(range.first(), range.kind(), range.name()));
        }
      }
      return new MemoryMap(blocks.stream().mapToLong(QemuRamBlock::usedBytes).sum(), regions);
    } catch (InvalidMachineStateException | QemuStreamException e) {
      throw new HypervisorException("QEMU's memory map cannot be carried: " + e.getMessage(), e);
    }
  }

  private static MemoryRegion region(Range range, List<QemuRamBlock> blocks, MemoryKind kind) {
    long sizeBytes = range.last() - range.first() + 1;
    long start = 0;
    for (QemuRamBlock block : blocks) {
      boolean named =
          block.name().equals(range.name()) || block.name().endsWith("/" + range.name());
      if (named && range.offset() + sizeBytes <= block.usedBytes()) {
        return new MemoryRegion(
            "%s@0x%x".formatted(range.name(), range.first()),
            range.first(),
            sizeBytes,
            kind,
            start + range.offset());
      }
      start += block.usedBytes();
    }
    throw new HypervisorException(
        "guest memory at 0x%x (%s) belongs to no RAM block of QEMU's list"
            .formatted(range.first(), range.name()));
  }
}

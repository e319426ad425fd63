package dev.here.formats.qemu;

import java.util.OptionalLong;

/**
 * One of QEMU's RAM blocks as its migration stream announces it. A block has a name and a size, not
 * an address: where the guest sees it follows from the machine's rules ({@link QemuMemoryLayout}).
 *
 * @param index place in the announced list, from 0
 * @param name QEMU's name, e.g. {@code pc.ram} or {@code 0000:00:02.0/vga.vram}
 * @param sizeBytes size, a positive multiple of 4096
 * @param backingOffset where the block starts when all blocks are laid one after the other in
 *     announced order
 * @param gpa guest-physical address, sent only under the capability x-ignore-shared
 */
public record RamBlock(
    int index, String name, long sizeBytes, long backingOffset, OptionalLong gpa) {}

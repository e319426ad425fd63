package dev.here.driver.qemu;

/**
 * A RAM block as {@code info ramblock} shows it. The list's order is the order of the migration
 * stream's block list (QEMU's softmmu/physmem.c keeps one list for both).
 *
 * @param name for example {@code pc.ram}
 * @param usedBytes present size: what the stream carries
 * @param maxBytes size that it can grow to while no migration runs
 */
public record QemuRamBlock(String name, long usedBytes, long maxBytes) {}

package dev.here.formats.qemu;

/**
 * What a RAM pass carried.
 *
 * @param pages pages with content
 * @param zeroPages pages that are all zero
 * @param streamBytes bytes on the wire
 */
public record RamTally(long pages, long zeroPages, long streamBytes) {}

package dev.here.formats.xen;

/**
 * A segment register as Xen keeps it.
 *
 * @param selector 16 bits in a number of 32
 * @param limit in octets
 * @param base linear base address
 * @param attributes as in AMD's VMCB: bits 0-3 type, 4 code or data, 5-6 DPL, 7 present, 8
 *     available, 9 long, 10 default size, 11 granularity; bits from 12 on are kept
 */
public record HvmSegment(long selector, long limit, long base, long attributes) {}

package dev.here.machine;

/**
 * A segment register with its hidden part (AMD64 Architecture Programmer's Manual, volume 2,
 * chapter 4).
 *
 * @param selector 16 bits
 * @param base linear base address
 * @param limit 32 bits, in octets, already scaled by the granularity
 * @param type 4 bits of the descriptor's type field
 * @param dpl 0 to 3
 * @param codeOrData the descriptor's S bit: false for a system segment
 * @param present the P bit
 * @param available the AVL bit
 * @param longMode the L bit
 * @param defaultBig the D/B bit
 * @param granularity the G bit
 * @param unusable the register holds a null selector
 */
public record Segment(
    int selector,
    long base,
    long limit,
    int type,
    int dpl,
    boolean codeOrData,
    boolean present,
    boolean available,
    boolean longMode,
    boolean defaultBig,
    boolean granularity,
    boolean unusable) {
  public Segment {
    Bounds.range("segment.selector", selector, 0, 0xffff);
    Bounds.range("segment.limit", limit, 0, 0xffffffffL);
    Bounds.range("segment.type", type, 0, 15);
    Bounds.range("segment.dpl", dpl, 0, 3);
  }
}

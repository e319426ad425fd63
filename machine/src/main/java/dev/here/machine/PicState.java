package dev.here.machine;

/**
 * The two cascaded 8259A of a PC.
 *
 * @param master inputs 0 to 7, ports 20h and 21h
 * @param slave inputs 8 to 15, ports A0h and A1h
 */
public record PicState(PicChip master, PicChip slave) {}

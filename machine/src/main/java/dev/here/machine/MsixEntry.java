package dev.here.machine;

/**
 * One entry of an MSI-X table (PCI 3.0, section 6.8.2).
 *
 * @param address message address
 * @param data message data
 * @param masked vector control bit 0
 */
public record MsixEntry(long address, int data, boolean masked) {}

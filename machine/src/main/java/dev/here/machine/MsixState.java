package dev.here.machine;

import java.util.List;

/**
 * MSI-X of one function; enable and function mask stand in its configuration space.
 *
 * @param capabilityOffset of the capability in configuration space
 * @param entries the table
 * @param pending the pending bit array, one bit an entry, octets in order
 */
public record MsixState(int capabilityOffset, List<MsixEntry> entries, Bytes pending) {
  public MsixState {
    Bounds.range("msix.entries", entries.size(), 1, 2048);
    entries = List.copyOf(entries);
  }
}

package dev.here.machine;

import java.util.List;
import java.util.Optional;

/**
 * One PCI function.
 *
 * @param address where it sits
 * @param role what it is
 * @param config its configuration space, 256 octets
 * @param bars its base address registers
 * @param msix MSI-X, where it has it
 * @param intxLevel bit n: its INTA# + n line is asserted
 */
public record PciFunction(
    PciAddress address,
    PciRole role,
    Bytes config,
    List<PciBar> bars,
    Optional<MsixState> msix,
    int intxLevel) {
  public PciFunction {
    Bounds.length("pci.config", config, 256);
    Bounds.range("pci.bars", bars.size(), 0, 7);
    bars = List.copyOf(bars);
  }
}

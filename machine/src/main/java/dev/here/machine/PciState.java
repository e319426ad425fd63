package dev.here.machine;

import java.util.List;

/**
 * The PCI bus and its host bridge.
 *
 * @param configAddress port CF8h
 * @param functions by rising address
 * @param resetControl port CF9h
 */
public record PciState(long configAddress, List<PciFunction> functions, int resetControl) {
  public PciState {
    Bounds.range("pci.functions", functions.size(), 0, 256);
    functions = List.copyOf(functions);
  }
}

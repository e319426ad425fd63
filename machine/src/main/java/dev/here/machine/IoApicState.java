package dev.here.machine;

import java.util.List;

/**
 * An I/O APIC (Intel 82093AA data sheet).
 *
 * @param id 4 bits
 * @param gpa register window
 * @param selectedRegister IOREGSEL
 * @param version low 8 bits of the version register
 * @param lines levels of the inputs, bit n is pin n
 * @param redirections redirection entries, one a pin; delivery status and remote IRR included
 */
public record IoApicState(
    int id, long gpa, int selectedRegister, int version, long lines, List<Long> redirections) {
  public IoApicState {
    Bounds.range("ioApic.id", id, 0, 15);
    Bounds.range("ioApic.selectedRegister", selectedRegister, 0, 255);
    Bounds.range("ioApic.redirections", redirections.size(), 1, 64);
    redirections = List.copyOf(redirections);
  }

  /** Number of inputs. */
  public int pins() {
    return redirections.size();
  }
}

package dev.here.machine;

import java.util.List;

/**
 * What a translation between a hypervisor's state and a machine state left behind.
 *
 * @param lost in the order met; empty when everything was carried
 */
public record TranslationReport(List<LostField> lost) {
  /** Everything was carried. */
  public static final TranslationReport COMPLETE = new TranslationReport(List.of());

  public TranslationReport {
    lost = List.copyOf(lost);
  }
}

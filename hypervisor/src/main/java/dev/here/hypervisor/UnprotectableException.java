package dev.here.hypervisor;

import java.util.List;

/** The guest is made of something that cannot be carried; it was not touched. */
public final class UnprotectableException extends HypervisorException {
  private final transient List<String> reasons;

  /** {@code reasons}: a line each, naming the device or setting and the remedy; at least one. */
  public UnprotectableException(List<String> reasons) {
    super(String.join("; ", reasons));
    this.reasons = List.copyOf(reasons);
  }

  /** A line each: what stands in the way and what to do about it. */
  public List<String> reasons() {
    return reasons;
  }
}

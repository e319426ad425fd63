package dev.here.hypervisor;

import dev.here.machine.MachineState;
import dev.here.machine.TranslationReport;
import java.util.function.Supplier;

/**
 * What a driver took in one pause. The guest already runs again; translation of the vendor's state
 * happens when {@link #machine} is first asked, outside the pause.
 *
 * @param pause where the pause went
 * @param pageCount pages delivered for this checkpoint
 * @param machine the state at the instant of capture, in neutral terms; throws {@link
 *     HypervisorException} where the vendor's state cannot be understood
 */
public record Capture(PauseTimes pause, int pageCount, Supplier<Translation> machine) {
  /** A machine state with what its translation left behind. */
  public record Translation(MachineState state, TranslationReport report) {}
}

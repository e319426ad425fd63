package dev.here.machine;

import java.util.List;

/**
 * A high-precision event timer.
 *
 * @param gpa register window
 * @param capabilities general capabilities and id register; the period in its high half is in
 *     femtoseconds
 * @param config general configuration register
 * @param interruptStatus general interrupt status register
 * @param counter main counter at the instant of capture
 * @param timers 3 to 32
 */
public record HpetState(
    long gpa,
    long capabilities,
    long config,
    long interruptStatus,
    long counter,
    List<HpetTimer> timers) {
  public HpetState {
    Bounds.range("hpet.timers", timers.size(), 1, 32);
    timers = List.copyOf(timers);
  }
}

package dev.here.vmm;

/**
 * One wire into the interrupt controllers. Called with the platform's lock held; the same level
 * twice is no event.
 */
@FunctionalInterface
public interface InterruptLine {
  void set(boolean asserted);
}

package dev.here.vmm;

/** What a vCPU's exits are answered by. {@link #stopped} and {@link #reset} take no lock. */
interface VcpuPlatform {
  /** The vector of the 8259's interrupt, taken from it; called with the platform's lock held. */
  int acknowledgeExternalInterrupt();

  /** Whether the 8259 asks for an interrupt; called without the lock. */
  boolean externalInterruptRequested();

  /** A LAPIC ended a level-triggered interrupt; called with the platform's lock held. */
  void endOfInterrupt(int vector);

  /** The guest asked for a reset, or met a triple fault. */
  void reset(String reason);

  /** The guest cannot go on. */
  void stopped(String reason);
}

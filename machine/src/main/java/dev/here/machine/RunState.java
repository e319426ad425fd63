package dev.here.machine;

/** Whether a vCPU executes, and what it waits for if it does not. */
public enum RunState {
  RUNNABLE,
  /** HLT, until an interrupt. */
  HALTED,
  /** An application processor before INIT. */
  UNINITIALIZED,
  /** After INIT, waiting for a start-up message. */
  INIT_RECEIVED,
  /** A start-up message has come, the vector is in {@link PendingEvents#sipiVector}. */
  SIPI_RECEIVED
}

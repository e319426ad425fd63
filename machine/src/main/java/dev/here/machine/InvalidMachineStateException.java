package dev.here.machine;

/**
 * A machine state, memory map or dirty set whose values cannot describe a machine. The text names
 * the field, the value and the bound.
 */
public final class InvalidMachineStateException extends RuntimeException {
  public InvalidMachineStateException(String message) {
    super(message);
  }
}

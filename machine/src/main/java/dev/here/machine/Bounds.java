package dev.here.machine;

/**
 * Range checks for the values of a machine state; each refusal names the field, its value and its
 * bound.
 */
public final class Bounds {
  private Bounds() {}

  /** Returns {@code value} if it lies in {@code [min, max]}. */
  public static int range(String field, int value, int min, int max) {
    if (value < min || value > max) {
      throw new InvalidMachineStateException(
          "%s is %d, must be %d to %d".formatted(field, value, min, max));
    }
    return value;
  }

  /** Returns {@code value} if it lies in {@code [min, max]}, both signed. */
  public static long range(String field, long value, long min, long max) {
    if (value < min || value > max) {
      throw new InvalidMachineStateException(
          "%s is %d, must be %d to %d".formatted(field, value, min, max));
    }
    return value;
  }

  /** Returns {@code value} if it has exactly {@code length} octets. */
  public static Bytes length(String field, Bytes value, int length) {
    range(field + ".length", value.length(), length, length);
    return value;
  }

  /** Returns {@code value} if it is a multiple of {@code alignment}, a power of two. */
  public static long aligned(String field, long value, long alignment) {
    if ((value & (alignment - 1)) != 0) {
      throw new InvalidMachineStateException(
          "%s is 0x%x, must be a multiple of 0x%x".formatted(field, value, alignment));
    }
    return value;
  }
}

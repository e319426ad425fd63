package dev.here.formats.qemu;

import java.util.List;

/** A value of a decoded device state. */
public sealed interface VmValue {
  /**
   * A number: signed types extended by their sign, unsigned ones by zeros; a uint64 is the 64 bits.
   */
  record Scalar(long value) implements VmValue {}

  /** An array of numbers, each as in {@link Scalar}. */
  record Scalars(long[] values) implements VmValue {}

  /** Octets: a buffer, or something whose meaning is not needed. */
  record Octets(byte[] bytes) implements VmValue {}

  /** An array of structures. */
  record Structs(List<VmStruct> elements) implements VmValue {
    public Structs {
      elements = List.copyOf(elements);
    }
  }

  /** A structure. */
  record Nested(VmStruct struct) implements VmValue {}
}

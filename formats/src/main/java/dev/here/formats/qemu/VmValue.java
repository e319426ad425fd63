package dev.here.formats.qemu;

import java.util.List;

/** A value of a decoded device state. */
public sealed interface VmValue {
  /** Whether all of it is zero. */
  boolean isZero();

  /**
   * A number: signed types extended by their sign, unsigned ones by zeros; a uint64 is the 64 bits.
   */
  record Scalar(long value) implements VmValue {
    @Override
    public boolean isZero() {
      return value == 0;
    }
  }

  /** An array of numbers, each as in {@link Scalar}. */
  record Scalars(long[] values) implements VmValue {
    @Override
    public boolean isZero() {
      for (long value : values) {
        if (value != 0) {
          return false;
        }
      }
      return true;
    }
  }

  /** Octets: a buffer, or something whose meaning is not needed. */
  record Octets(byte[] bytes) implements VmValue {
    @Override
    public boolean isZero() {
      for (byte octet : bytes) {
        if (octet != 0) {
          return false;
        }
      }
      return true;
    }
  }

  /** An array of structures. */
  record Structs(List<VmStruct> elements) implements VmValue {
    public Structs {
      elements = List.copyOf(elements);
    }

    @Override
    public boolean isZero() {
      for (VmStruct element : elements) {
        if (!element.isZero()) {
          return false;
        }
      }
      return true;
    }
  }

  /** A structure. */
  record Nested(VmStruct struct) implements VmValue {
    @Override
    public boolean isZero() {
      return struct.isZero();
    }
  }
}

package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A C function of at most six integers and pointers that returns one or nothing.
 *
 * <p>All of them are called in one shape, six 64-bit integers to one: on x86-64 the first six such
 * arguments travel in registers, an {@code int} is the lower half of its register, what a function
 * does not take is left alone, and the upper half of a returned {@code int} is undefined (System V
 * ABI, AMD64 supplement, 3.2.3). For a prototype of its own the JVM makes about 25 classes, which
 * no archive of classes holds: with 15 prototypes that was 10 s of a process's start on an emulated
 * host. What a variadic function wants besides, the number of vector registers in AL, the JVM
 * always gives. A function with floating-point arguments must not be called in this way.
 *
 * <p>Nothing is allocated by a call. A segment is given as {@link #pointer}; who gives one of an
 * automatic arena keeps it reachable until the call has returned.
 */
public final class NativeFunction {
  private static final MethodHandle CALL =
      Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.of(
                  JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
              Linker.Option.captureCallState(Errno.STATE_NAME));

  private final MemorySegment entry;

  NativeFunction(MemorySegment entry) {
    this.entry = entry;
  }

  /**
   * The address of a segment's first octet.
   *
   * @throws IllegalArgumentException when it is on the heap
   * @throws IllegalStateException when its memory has been given back
   */
  public static long pointer(MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("a C function cannot be given a segment of the heap");
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("a C function was to be given memory that is closed");
    }
    return segment.address();
  }

  private long call(MemorySegment capture, long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(entry, capture, a, b, c, d, e, f);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** The {@code int} it returns; for functions whose value says all. */
  public int value(long a, long b, long c) {
    return (int) call(Errno.capture(), a, b, c, 0, 0, 0);
  }

  /** As {@link #value(long, long, long)}. */
  public int value() {
    return value(0, 0, 0);
  }

  /** The {@code int} it returns, or the negated errno when that is -1. */
  public int callInt(long a, long b, long c, long d, long e) {
    MemorySegment capture = Errno.capture();
    return Errno.resultOrNegated((int) call(capture, a, b, c, d, e, 0), capture);
  }

  /** As {@link #callInt(long, long, long, long, long)}. */
  public int callInt(long a, long b, long c, long d) {
    return callInt(a, b, c, d, 0);
  }

  /** As {@link #callInt(long, long, long, long, long)}. */
  public int callInt(long a, long b, long c) {
    return callInt(a, b, c, 0, 0);
  }

  /** As {@link #callInt(long, long, long, long, long)}. */
  public int callInt(long a, long b) {
    return callInt(a, b, 0, 0, 0);
  }

  /** As {@link #callInt(long, long, long, long, long)}. */
  public int callInt(long a) {
    return callInt(a, 0, 0, 0, 0);
  }

  /** The 64 bits that it returns, or the negated errno when those are -1. */
  public long callLong(long a, long b, long c, long d, long e, long f) {
    MemorySegment capture = Errno.capture();
    return Errno.resultOrNegated(call(capture, a, b, c, d, e, f), capture);
  }

  /** As {@link #callLong(long, long, long, long, long, long)}. */
  public long callLong(long a, long b, long c, long d) {
    return callLong(a, b, c, d, 0, 0);
  }

  /** As {@link #callLong(long, long, long, long, long, long)}. */
  public long callLong(long a, long b, long c) {
    return callLong(a, b, c, 0, 0, 0);
  }
}

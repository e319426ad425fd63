package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.hypervisor.HypervisorException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A connection to xenstored (xenstore.h), for reading. Used by one thread. */
final class XenStore implements AutoCloseable {
  private static final Downcall LIBRARY = Downcall.library(XenLibraries.STORE);
  private static final MethodHandle OPEN =
      LIBRARY.capturing("xs_open", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));
  private static final MethodHandle CLOSE =
      LIBRARY.plain("xs_close", FunctionDescriptor.ofVoid(JAVA_LONG));
  private static final MethodHandle READ =
      LIBRARY.capturing(
          "xs_read", FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle DIRECTORY =
      LIBRARY.capturing(
          "xs_directory", FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle FREE =
      Downcall.libc().plain("free", FunctionDescriptor.ofVoid(ADDRESS));

  private static final int NO_TRANSACTION = 0;

  /** Values are at most a payload of the store's protocol (xs_wire.h, XENSTORE_PAYLOAD_MAX). */
  private static final int VALUE_BYTES_MOST = 4096;

  private final long handle;

  XenStore() {
    MemorySegment errno = Errno.capture();
    try {
      handle = (long) OPEN.invokeExact(errno, 0L);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (handle == 0) {
      throw new HypervisorException(
          "xenstored cannot be reached: %s".formatted(Errno.name(Errno.of(errno))));
    }
  }

  /** The value at a path; empty when there is none. */
  Optional<String> read(String path) {
    return ask(
        READ,
        path,
        (value, octets) ->
            new String(value.reinterpret(octets).toArray(JAVA_BYTE), StandardCharsets.UTF_8));
  }

  /** Names of the children of a path; empty when there is none. */
  List<String> children(String path) {
    return ask(DIRECTORY, path, XenStore::names).orElse(List.of());
  }

  private static List<String> names(MemorySegment array, int count) {
    MemorySegment pointers = array.reinterpret(count * ADDRESS.byteSize());
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      names.add(pointers.getAtIndex(ADDRESS, i).reinterpret(VALUE_BYTES_MOST).getString(0));
    }
    return names;
  }

  /** Reads what a call answered: its beginning, and how many elements it has. */
  @FunctionalInterface
  private interface Answer<T> {
    T of(MemorySegment begin, int elements);
  }

  /** Both calls give memory that is ours to free, or nothing and an error number. */
  private <T> Optional<T> ask(MethodHandle call, String path, Answer<T> answer) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment elements = arena.allocate(JAVA_INT);
      MemorySegment begin =
          (MemorySegment)
              call.invokeExact(errno, handle, NO_TRANSACTION, arena.allocateFrom(path), elements);
      if (begin.address() == 0) {
        if (Errno.of(errno) == Errno.ENOENT) {
          return Optional.empty();
        }
        throw new HypervisorException(
            "xenstored: reading %s: %s".formatted(path, Errno.name(Errno.of(errno))));
      }
      T read = answer.of(begin, Math.clamp(elements.get(JAVA_INT, 0), 0, VALUE_BYTES_MOST));
      FREE.invokeExact(begin);
      return Optional.of(read);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  @Override
  public void close() {
    try {
      CLOSE.invokeExact(handle);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }
}

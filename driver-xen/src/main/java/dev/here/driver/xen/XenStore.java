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
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment length = arena.allocate(JAVA_INT);
      MemorySegment value =
          (MemorySegment)
              READ.invokeExact(errno, handle, NO_TRANSACTION, arena.allocateFrom(path), length);
      if (value.address() == 0) {
        if (Errno.of(errno) == Errno.ENOENT) {
          return Optional.empty();
        }
        throw new HypervisorException(
            "xenstored: reading %s: %s".formatted(path, Errno.name(Errno.of(errno))));
      }
      int size = Math.clamp(length.get(JAVA_INT, 0), 0, VALUE_BYTES_MOST);
      byte[] octets = value.reinterpret(size).toArray(JAVA_BYTE);
      FREE.invokeExact(value);
      return Optional.of(new String(octets, StandardCharsets.UTF_8));
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Names of the children of a path; empty when there is none. */
  List<String> children(String path) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment length = arena.allocate(JAVA_INT);
      MemorySegment names =
          (MemorySegment)
              DIRECTORY.invokeExact(
                  errno, handle, NO_TRANSACTION, arena.allocateFrom(path), length);
      if (names.address() == 0) {
        if (Errno.of(errno) == Errno.ENOENT) {
          return List.of();
        }
        throw new HypervisorException(
            "xenstored: listing %s: %s".formatted(path, Errno.name(Errno.of(errno))));
      }
      int count = Math.clamp(length.get(JAVA_INT, 0), 0, VALUE_BYTES_MOST);
      MemorySegment table = names.reinterpret((long) count * ADDRESS.byteSize());
      List<String> children = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        children.add(table.getAtIndex(ADDRESS, i).reinterpret(VALUE_BYTES_MOST).getString(0));
      }
      FREE.invokeExact(names);
      return children;
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

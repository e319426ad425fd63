package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.hypervisor.HypervisorException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A handle of libxenforeignmemory: maps a domain's frames into this process. */
final class ForeignMemory implements AutoCloseable {
  static final int PAGE_BYTES = 4096;

  private static final Downcall LIBRARY = Downcall.library(XenLibraries.FOREIGN_MEMORY);
  private static final MethodHandle OPEN =
      LIBRARY.capturing(
          "xenforeignmemory_open", FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_INT));
  private static final MethodHandle CLOSE =
      LIBRARY.capturing("xenforeignmemory_close", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
  private static final MethodHandle MAP =
      LIBRARY.capturing(
          "xenforeignmemory_map",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
  private static final MethodHandle UNMAP =
      LIBRARY.capturing(
          "xenforeignmemory_unmap",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MAP_RESOURCE =
      LIBRARY.capturing(
          "xenforeignmemory_map_resource",
          FunctionDescriptor.of(
              JAVA_LONG,
              JAVA_LONG,
              JAVA_SHORT,
              JAVA_INT,
              JAVA_INT,
              JAVA_LONG,
              JAVA_LONG,
              ADDRESS,
              JAVA_INT,
              JAVA_INT));
  private static final MethodHandle UNMAP_RESOURCE =
      LIBRARY.capturing(
          "xenforeignmemory_unmap_resource", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;

  private final long handle;
  private boolean closed;

  /** Opens a handle. */
  ForeignMemory() {
    MemorySegment errno = Errno.capture();
    try {
      handle = (long) OPEN.invokeExact(errno, MemorySegment.NULL, 0);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (handle == 0) {
      throw refused("opening the way to domains' memory", errno);
    }
  }

  private static HypervisorException refused(String what, MemorySegment errno) {
    return new HypervisorException("Xen: %s: %s".formatted(what, Errno.name(Errno.of(errno))));
  }

  /**
   * Maps frames one after the other, readable.
   *
   * @param frames guest frame numbers, 8 octets each
   * @param errors gets 0 or an error for each, 4 octets each; a page with an error must not be
   *     touched
   * @return address of the mapping of {@code count} pages
   */
  long map(int domain, MemorySegment frames, MemorySegment errors, long count) {
    MemorySegment errno = Errno.capture();
    try {
      long address =
          (long) MAP.invokeExact(errno, handle, domain, PROT_READ, count, frames, errors);
      if (address == 0) {
        throw refused("mapping %d frames of domain %d".formatted(count, domain), errno);
      }
      return address;
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  void unmap(long address, long count) {
    try {
      var unused = (int) UNMAP.invokeExact(Errno.capture(), handle, address, count);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Pages that belong to the hypervisor's service for a domain, mapped until closed. */
  final class Resource implements AutoCloseable {
    private final long resource;
    private final MemorySegment pages;

    private Resource(long resource, MemorySegment pages) {
      this.resource = resource;
      this.pages = pages;
    }

    MemorySegment pages() {
      return pages;
    }

    @Override
    public void close() {
      try {
        var unused = (int) UNMAP_RESOURCE.invokeExact(Errno.capture(), handle, resource);
      } catch (Throwable t) {
        throw Downcall.unexpected(t);
      }
    }
  }

  /**
   * Maps a resource of a domain (xen/memory.h, XENMEM_acquire_resource).
   *
   * @param type XENMEM_resource number
   * @param id which one of that type
   */
  Resource resource(int domain, int type, int id, long firstFrame, long frames) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(ADDRESS);
      address.set(ADDRESS, 0, MemorySegment.NULL);
      long resource =
          (long)
              MAP_RESOURCE.invokeExact(
                  errno,
                  handle,
                  (short) domain,
                  type,
                  id,
                  firstFrame,
                  frames,
                  address,
                  PROT_READ | PROT_WRITE,
                  0);
      if (resource == 0) {
        throw refused(
            "mapping resource %d of type %d of domain %d".formatted(id, type, domain), errno);
      }
      return new Resource(resource, address.get(ADDRESS, 0).reinterpret(frames * PAGE_BYTES));
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      var unused = (int) CLOSE.invokeExact(Errno.capture(), handle);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }
}

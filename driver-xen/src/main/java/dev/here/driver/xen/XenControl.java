package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.hypervisor.HypervisorException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * A handle of libxenctrl (xenctrl.h, xen/domctl.h of Xen 4.17): what is asked of the hypervisor
 * about a domain. Any thread may use it; each call takes its buffers from its own arena.
 */
final class XenControl implements AutoCloseable {
  private static final Downcall LIBRARY = Downcall.library(XenLibraries.CONTROL);
  private static final MethodHandle OPEN =
      LIBRARY.capturing(
          "xc_interface_open", FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle CLOSE =
      LIBRARY.capturing("xc_interface_close", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
  private static final MethodHandle VERSION =
      LIBRARY.capturing(
          "xc_version", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
  private static final MethodHandle PAUSE = ofDomain("xc_domain_pause");
  private static final MethodHandle UNPAUSE = ofDomain("xc_domain_unpause");
  private static final MethodHandle DESTROY = ofDomain("xc_domain_destroy");
  private static final MethodHandle GET_INFO_LIST =
      LIBRARY.capturing(
          "xc_domain_getinfolist",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle GET_CONTEXT =
      LIBRARY.capturing(
          "xc_domain_hvm_getcontext",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle MAXIMUM_GFN =
      LIBRARY.capturing(
          "xc_domain_maximum_gpfn", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
  private static final MethodHandle FRAME_TYPES =
      LIBRARY.capturing(
          "xc_get_pfn_type_batch",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle PARAM_GET =
      LIBRARY.capturing(
          "xc_hvm_param_get",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle TSC_INFO =
      LIBRARY.capturing(
          "xc_domain_get_tsc_info",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle PHYSINFO =
      LIBRARY.capturing("xc_physinfo", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));

  private static final int XENVER_VERSION = 0;

  /** Of struct xen_sysctl_physinfo: its size and the places of members in it, octets. */
  static final long PHYSINFO_BYTES = 112;

  static final long PHYSINFO_CPU_KHZ = 24;
  static final long PHYSINFO_FREE_PAGES = 48;

  /** A domain's context has 8 KiB and more with many vCPUs; the hypervisor says when it is less. */
  private static final int CONTEXT_BYTES_MOST = 1 << 20;

  private final long handle;
  private volatile boolean closed;

  private XenControl(long handle) {
    this.handle = handle;
  }

  private static MethodHandle ofDomain(String symbol) {
    return LIBRARY.capturing(symbol, FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
  }

  /**
   * Opens a handle.
   *
   * @throws HypervisorException where there is no Xen, no right to use it, or another version
   */
  static XenControl open() {
    XenLibraries.require();
    MemorySegment errno = Errno.capture();
    try {
      long handle = (long) OPEN.invokeExact(errno, MemorySegment.NULL, MemorySegment.NULL, 0);
      if (handle == 0) {
        throw refused("opening the hypervisor's control interface", errno);
      }
      XenControl control = new XenControl(handle);
      control.requireVersion();
      return control;
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  private static HypervisorException refused(String what, MemorySegment errno) {
    return new HypervisorException("Xen: %s: %s".formatted(what, Errno.name(Errno.of(errno))));
  }

  private void requireVersion() {
    MemorySegment errno = Errno.capture();
    try {
      int version = (int) VERSION.invokeExact(errno, handle, XENVER_VERSION, MemorySegment.NULL);
      int major = version >>> 16;
      int minor = version & 0xffff;
      if (version < 0 || major != XenLibraries.MAJOR || minor != XenLibraries.MINOR) {
        close();
        throw new HypervisorException(
            "Xen %d.%d has not been tested, %d.%d has: use that one"
                .formatted(major, minor, XenLibraries.MAJOR, XenLibraries.MINOR));
      }
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  long handle() {
    return handle;
  }

  private void onDomain(MethodHandle call, String what, int domain) {
    MemorySegment errno = Errno.capture();
    try {
      int result = (int) call.invokeExact(errno, handle, domain);
      if (result != 0) {
        throw refused("%s domain %d".formatted(what, domain), errno);
      }
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Stops all vCPUs and returns when they stand; nests with other pauses. */
  void pause(int domain) {
    onDomain(PAUSE, "pausing", domain);
  }

  void unpause(int domain) {
    onDomain(UNPAUSE, "unpausing", domain);
  }

  void destroy(int domain) {
    onDomain(DESTROY, "destroying", domain);
  }

  /** What the hypervisor says of all domains from {@code first} on, at most {@code most}. */
  List<DomainInfo> domains(int first, int most) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(DomainInfo.LAYOUT.byteSize() * most, 8);
      int count = (int) GET_INFO_LIST.invokeExact(errno, handle, first, most, list);
      if (count < 0) {
        throw refused("asking for domains from %d on".formatted(first), errno);
      }
      List<DomainInfo> found = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        long size = DomainInfo.LAYOUT.byteSize();
        found.add(DomainInfo.of(list.asSlice(i * size, size)));
      }
      return found;
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** One domain; empty when it does not exist. */
  Optional<DomainInfo> domain(int id) {
    return domains(id, 1).stream().filter(found -> found.id() == id).findFirst();
  }

  /** The save records of a paused HVM domain. */
  byte[] context(int domain, MemorySegment buffer) {
    MemorySegment errno = Errno.capture();
    try {
      int size =
          (int) GET_CONTEXT.invokeExact(errno, handle, domain, buffer, (int) buffer.byteSize());
      if (size < 0) {
        throw refused("taking the context of domain %d".formatted(domain), errno);
      }
      return buffer.asSlice(0, size).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** How much room {@link #context} needs for this domain, in octets. */
  int contextBytes(int domain) {
    MemorySegment errno = Errno.capture();
    try {
      int size = (int) GET_CONTEXT.invokeExact(errno, handle, domain, MemorySegment.NULL, 0);
      if (size <= 0 || size > CONTEXT_BYTES_MOST) {
        throw refused("asking for the context's size of domain %d".formatted(domain), errno);
      }
      return size;
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** The highest guest frame number that has, or had, memory. */
  long maximumGfn(int domain) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment answer = arena.allocate(JAVA_LONG);
      int result = (int) MAXIMUM_GFN.invokeExact(errno, handle, domain, answer);
      if (result < 0) {
        throw refused("asking for the highest frame of domain %d".formatted(domain), errno);
      }
      return answer.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Most frames that {@link #hasMemory} answers for at once. */
  static final int FRAME_BATCH = 1024;

  static final long NO_MEMORY = 0xf0000000L;

  /**
   * Whether guest frames have memory (xen/domctl.h, XEN_DOMCTL_getpageframeinfo3).
   *
   * @param first frame number
   * @param count at most {@link #FRAME_BATCH}
   */
  BitSet hasMemory(int domain, long first, int count) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frames = arena.allocate(JAVA_LONG, count);
      for (int i = 0; i < count; i++) {
        frames.setAtIndex(JAVA_LONG, i, first + i);
      }
      int result = (int) FRAME_TYPES.invokeExact(errno, handle, domain, count, frames);
      if (result != 0) {
        throw refused("asking for frames of domain %d".formatted(domain), errno);
      }
      BitSet found = new BitSet(count);
      for (int i = 0; i < count; i++) {
        found.set(i, (frames.getAtIndex(JAVA_LONG, i) & NO_MEMORY) != NO_MEMORY);
      }
      return found;
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** An HVM parameter, by its number in xen/hvm/params.h. */
  long parameter(int domain, int parameter) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment answer = arena.allocate(JAVA_LONG);
      int result = (int) PARAM_GET.invokeExact(errno, handle, domain, parameter, answer);
      if (result != 0) {
        throw refused("reading parameter %d of domain %d".formatted(parameter, domain), errno);
      }
      return answer.get(JAVA_LONG, 0);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /**
   * How a domain's TSC runs.
   *
   * @param mode 0 default, 1 always emulated, 2 never emulated
   * @param khz the guest's rate; 0 where the host's own is shown
   */
  record TscInfo(int mode, long elapsedNanos, int khz, int incarnation) {}

  TscInfo tsc(int domain) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mode = arena.allocate(JAVA_INT);
      MemorySegment elapsed = arena.allocate(JAVA_LONG);
      MemorySegment khz = arena.allocate(JAVA_INT);
      MemorySegment incarnation = arena.allocate(JAVA_INT);
      int result =
          (int) TSC_INFO.invokeExact(errno, handle, domain, mode, elapsed, khz, incarnation);
      if (result != 0) {
        throw refused("asking for the TSC of domain %d".formatted(domain), errno);
      }
      return new TscInfo(
          mode.get(JAVA_INT, 0),
          elapsed.get(JAVA_LONG, 0),
          khz.get(JAVA_INT, 0),
          incarnation.get(JAVA_INT, 0));
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** The host's TSC rate as Xen measured it, kHz (xen/sysctl.h, struct xen_sysctl_physinfo). */
  int hostTscKhz() {
    try (Arena arena = Arena.ofConfined()) {
      return host(arena).get(JAVA_INT, PHYSINFO_CPU_KHZ);
    }
  }

  /** Pages that the hypervisor has for new domains now. */
  long freePages() {
    try (Arena arena = Arena.ofConfined()) {
      return host(arena).get(JAVA_LONG, PHYSINFO_FREE_PAGES);
    }
  }

  private MemorySegment host(Arena arena) {
    MemorySegment errno = Errno.capture();
    try {
      MemorySegment info = arena.allocate(PHYSINFO_BYTES, Long.BYTES);
      int result = (int) PHYSINFO.invokeExact(errno, handle, info);
      if (result != 0) {
        throw refused("asking for the host's properties", errno);
      }
      return info;
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

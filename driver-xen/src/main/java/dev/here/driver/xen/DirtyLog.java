package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.hypervisor.HypervisorException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/**
 * Xen's log of the frames that a domain, or its device model on its behalf, has written
 * (xen/domctl.h: XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, _CLEAN, _OFF; xenctrl.h:
 * xc_logdirty_control). Used by one thread. Closing it turns the log off.
 */
final class DirtyLog implements AutoCloseable {
  private static final Downcall LIBRARY = Downcall.library(XenLibraries.CONTROL);
  private static final MethodHandle SHADOW_CONTROL =
      LIBRARY.capturing(
          "xc_shadow_control",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LOGDIRTY_CONTROL =
      LIBRARY.capturing(
          "xc_logdirty_control",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS));
  private static final MethodHandle ALLOCATE =
      LIBRARY.capturing(
          "xc__hypercall_buffer_alloc_pages",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT));
  private static final MethodHandle FREE =
      LIBRARY.capturing(
          "xc__hypercall_buffer_free_pages",
          FunctionDescriptor.ofVoid(JAVA_LONG, ADDRESS, JAVA_INT));

  static final int OP_OFF = 0;
  static final int OP_ENABLE_LOGDIRTY = 2;
  static final int OP_CLEAN = 11;
  private static final long PAGE_BYTES = 4096;

  /** Memory that a hypercall can reach, as the library describes it to itself (xenctrl.h). */
  static final StructLayout HYPERCALL_BUFFER =
      MemoryLayout.structLayout(
          ADDRESS.withName("hbuf"),
          ADDRESS.withName("param_shadow"),
          JAVA_INT.withName("dir"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("ubuf"),
          JAVA_LONG.withName("sz"));

  /** Of struct xen_domctl_shadow_op_stats: fault_count, dirty_count. */
  static final StructLayout STATS =
      MemoryLayout.structLayout(JAVA_INT.withName("fault_count"), JAVA_INT.withName("dirty_count"));

  private final Arena arena = Arena.ofShared();
  private final XenControl control;
  private final int domain;
  private final long frames;
  private final MemorySegment buffer = arena.allocate(HYPERCALL_BUFFER);
  private final MemorySegment stats = arena.allocate(STATS);
  private final int bufferPages;
  private final MemorySegment bitmap;
  private boolean closed;

  /**
   * Turns the log on; until the first {@link #clean} everything may count as written.
   *
   * @param frames how many guest frame numbers the log covers, from 0
   */
  DirtyLog(XenControl control, int domain, long frames) {
    this.control = control;
    this.domain = domain;
    this.frames = frames;
    long bytes = (frames + 63) / 64 * Long.BYTES;
    bufferPages = Math.toIntExact((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
    long address;
    MemorySegment errno = Errno.capture();
    try {
      address = (long) ALLOCATE.invokeExact(errno, control.handle(), buffer, bufferPages);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (address == 0) {
      arena.close();
      throw new HypervisorException(
          "Xen: no memory for a dirty log of %d frames: %s"
              .formatted(frames, Errno.name(Errno.of(errno))));
    }
    bitmap = MemorySegment.ofAddress(address).reinterpret(bufferPages * PAGE_BYTES);
    try {
      control(control, domain, OP_ENABLE_LOGDIRTY, "turning the dirty log on for");
    } catch (HypervisorException e) {
      free();
      throw e;
    }
  }

  private static void control(XenControl control, int domain, int operation, String what) {
    MemorySegment errno = Errno.capture();
    int result;
    try {
      result =
          (int)
              SHADOW_CONTROL.invokeExact(
                  errno, control.handle(), domain, operation, MemorySegment.NULL, 0);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (result < 0) {
      throw new HypervisorException(
          "Xen: %s domain %d: %s (another migration or Remus may be using it)"
              .formatted(what, domain, Errno.name(Errno.of(errno))));
    }
  }

  /** Turns a domain's log off, whoever turned it on. */
  static void turnOff(XenControl control, int domain) {
    control(control, domain, OP_OFF, "turning the dirty log off for");
  }

  /**
   * Takes the log and begins a new one.
   *
   * @return a bit for each frame, frame 0 in bit 0 of the first word; valid until the next call
   */
  MemorySegment clean() {
    MemorySegment errno = Errno.capture();
    long covered;
    try {
      covered =
          (long)
              LOGDIRTY_CONTROL.invokeExact(
                  errno, control.handle(), domain, OP_CLEAN, buffer, frames, 0, stats);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (covered < 0) {
      throw new HypervisorException(
          "Xen: taking the dirty log of domain %d: %s"
              .formatted(domain, Errno.name(Errno.of(errno))));
    }
    return bitmap;
  }

  private void free() {
    try {
      FREE.invokeExact(Errno.capture(), control.handle(), buffer, bufferPages);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    arena.close();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      turnOff(control, domain);
    } finally {
      free();
    }
  }
}

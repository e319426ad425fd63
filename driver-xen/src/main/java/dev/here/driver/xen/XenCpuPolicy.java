package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.formats.xen.LibxcRecord;
import dev.here.formats.xen.XenCpuidLeaf;
import dev.here.hypervisor.HypervisorException;
import dev.here.machine.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * What CPUID gives a domain, and what its MSRs say that there is, as Xen decided it when the domain
 * was built (xenguest.h).
 *
 * @param leaves of CPUID
 * @param msrs of its policy
 */
record XenCpuPolicy(List<XenCpuidLeaf> leaves, List<LibxcRecord.MsrEntry> msrs) {
  private static final Downcall LIBRARY = Downcall.library(XenLibraries.GUEST);
  private static final MethodHandle SIZE =
      LIBRARY.capturing(
          "xc_cpu_policy_get_size", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
  private static final MethodHandle INIT =
      LIBRARY.capturing("xc_cpu_policy_init", FunctionDescriptor.of(JAVA_LONG));
  private static final MethodHandle DESTROY =
      LIBRARY.plain("xc_cpu_policy_destroy", FunctionDescriptor.ofVoid(JAVA_LONG));
  private static final MethodHandle OF_DOMAIN =
      LIBRARY.capturing(
          "xc_cpu_policy_get_domain",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG));
  private static final MethodHandle SERIALISE =
      LIBRARY.capturing(
          "xc_cpu_policy_serialise",
          FunctionDescriptor.of(
              JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS));

  /** Octets of a xen_cpuid_leaf_t and of a xen_msr_entry_t (xen/arch-x86/xen.h). */
  static final int LEAF_BYTES = 24;

  static final int MSR_BYTES = 16;

  XenCpuPolicy {
    leaves = List.copyOf(leaves);
    msrs = List.copyOf(msrs);
  }

  /** A domain's policy. */
  static XenCpuPolicy of(XenControl control, int domain) {
    MemorySegment errno = Errno.capture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment leafCount = arena.allocate(JAVA_INT);
      MemorySegment msrCount = arena.allocate(JAVA_INT);
      check(
          (int) SIZE.invokeExact(errno, control.handle(), leafCount, msrCount), "its size", errno);
      MemorySegment leaves =
          arena.allocate((long) leafCount.get(JAVA_INT, 0) * LEAF_BYTES, Long.BYTES);
      MemorySegment msrs = arena.allocate((long) msrCount.get(JAVA_INT, 0) * MSR_BYTES, Long.BYTES);
      long policy = (long) INIT.invokeExact(errno);
      check(policy == 0 ? -1 : 0, "memory for it", errno);
      try {
        check(
            (int) OF_DOMAIN.invokeExact(errno, control.handle(), domain, policy),
            "that of domain " + domain,
            errno);
        check(
            (int)
                SERIALISE.invokeExact(
                    errno, control.handle(), policy, leaves, leafCount, msrs, msrCount),
            "its leaves",
            errno);
      } finally {
        DESTROY.invokeExact(policy);
      }
      long size = (long) leafCount.get(JAVA_INT, 0) * LEAF_BYTES;
      return new XenCpuPolicy(
          XenCpuidLeaf.decode(Bytes.of(leaves.asSlice(0, size).toArray(JAVA_BYTE))),
          entries(msrs, msrCount.get(JAVA_INT, 0)));
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Each is its index and flags, 32 bits, and its value, 64 bits. */
  private static List<LibxcRecord.MsrEntry> entries(MemorySegment msrs, int count) {
    List<LibxcRecord.MsrEntry> entries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long at = (long) i * MSR_BYTES;
      entries.add(
          new LibxcRecord.MsrEntry(
              msrs.get(JAVA_INT, at), msrs.get(JAVA_INT, at + 4), msrs.get(JAVA_LONG, at + 8)));
    }
    return entries;
  }

  private static void check(int result, String what, MemorySegment errno) {
    if (result != 0) {
      throw new HypervisorException(
          "Xen: reading a CPU policy, %s: %s".formatted(what, Errno.name(Errno.of(errno))));
    }
  }
}

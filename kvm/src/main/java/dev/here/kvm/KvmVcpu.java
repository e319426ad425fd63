package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.Errno;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.MappedMemory;
import dev.here.ffi.NativeException;
import dev.here.ffi.ThreadScratch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One vCPU. {@link #run} belongs to one platform thread; the state ioctls wait while the vCPU is
 * running, so stop it first ({@link #kick}). Order of setting state: CPUID, sregs, regs, XCRS,
 * XSAVE, debug registers, LAPIC, MSRs, events, MP state ({@link VcpuState#apply}).
 */
public final class KvmVcpu implements AutoCloseable {
  private static final int TSC_CTRL_GROUP = 0;
  private static final int TSC_OFFSET_ATTRIBUTE = 0;

  private final KvmVm vm;
  private final int id;
  private final FileDescriptor descriptor;
  private final MappedMemory mapping;
  private final KvmRun run;
  private final VcpuKick kick;
  private final boolean sregs2;
  private final int xsaveSizeBytes;

  KvmVcpu(KvmVm vm, int id, FileDescriptor descriptor) {
    this.vm = vm;
    this.id = id;
    this.descriptor = descriptor;
    try {
      this.sregs2 = vm.capability(KvmCapability.KVM_CAP_SREGS2) > 0;
      this.xsaveSizeBytes = vm.xsaveSizeBytes();
      this.mapping = MappedMemory.shared(descriptor, 0, vm.kvm().vcpuMmapSizeBytes());
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
    this.run = new KvmRun(mapping.segment());
    this.kick = new VcpuKick(run);
  }

  /** The id given at creation, the initial APIC id. */
  public int id() {
    return id;
  }

  /** What the last {@link #run} left. */
  public KvmRun exit() {
    return run;
  }

  public VcpuKick kick() {
    return kick;
  }

  FileDescriptor descriptor() {
    return descriptor;
  }

  private int fd() {
    return descriptor.number();
  }

  /**
   * Runs the guest until something needs the VMM. Allocates nothing.
   *
   * @return a {@link KvmExit} constant; KVM_EXIT_INTR after a kick or any other signal (the JVM has
   *     its own), when the caller looks around and calls again
   * @throws NativeException any other failure; with EFAULT the guest touched memory that isn't
   *     there
   */
  public int run() {
    kick.entering();
    int result = Libc.ioctl(fd(), KvmIoctl.KVM_RUN, 0L);
    kick.left();
    if (result >= 0) {
      return run.exitReason();
    }
    if (result == -Errno.EINTR || result == -Errno.EAGAIN) {
      return KvmExit.KVM_EXIT_INTR;
    }
    throw new NativeException(
        -result, "KVM_RUN of vCPU %d, last exit %s".formatted(id, run.describe()));
  }

  /**
   * Finishes an I/O or MMIO exit without running the guest, so that its registers are whole: KVM
   * completes it at the next entry only. Call it before state is read at a pause.
   *
   * @return KVM_EXIT_INTR when nothing is pending any more; another exit (a further part of a
   *     string instruction or of a page-crossing access) is to be handled, and this called again
   */
  public int completePendingIo() {
    boolean kicked = run.immediateExit();
    run.immediateExit(true);
    try {
      return run();
    } finally {
      run.immediateExit(kicked);
    }
  }

  /**
   * Maps this vCPU's dirty ring.
   *
   * @param sizeBytes as given to {@link KvmVm#enableDirtyRing}
   */
  public DirtyRing dirtyRing(int sizeBytes) {
    return new DirtyRing(this, sizeBytes);
  }

  /** Injects an external interrupt; only when {@link KvmRun#readyForInterruptInjection}. */
  public void interrupt(int vector) {
    MemorySegment irq = ThreadScratch.segment();
    irq.set(JAVA_INT, 0, vector);
    KvmCall.checked(fd(), KvmIoctl.KVM_INTERRUPT, "KVM_INTERRUPT", irq);
  }

  /** Queues an NMI. */
  public void nmi() {
    KvmCall.checked(fd(), KvmIoctl.KVM_NMI, "KVM_NMI", 0);
  }

  /** Tells the guest, through its clock page, that it was stopped (watchdogs stay quiet). */
  public void noteGuestStopped() {
    int result = Libc.ioctl(fd(), KvmIoctl.KVM_KVMCLOCK_CTRL, 0L);
    if (result < 0 && result != -Errno.EINVAL) {
      // EINVAL: this guest has not registered a clock page, so there is nobody to tell.
      throw new NativeException(-result, "KVM_KVMCLOCK_CTRL of vCPU " + id);
    }
  }

  public KvmRegs regs() {
    MemorySegment regs = ThreadScratch.segment();
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_REGS, "KVM_GET_REGS", regs);
    return KvmRegs.get(regs);
  }

  public void regs(KvmRegs value) {
    MemorySegment regs = ThreadScratch.segment();
    value.put(regs);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_REGS, "KVM_SET_REGS", regs);
  }

  public KvmSregs sregs() {
    MemorySegment sregs = ThreadScratch.segment();
    if (sregs2) {
      KvmCall.checked(fd(), KvmIoctl.KVM_GET_SREGS2, "KVM_GET_SREGS2", sregs);
      return KvmSregs.get2(sregs);
    }
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_SREGS, "KVM_GET_SREGS", sregs);
    return KvmSregs.getLegacy(sregs);
  }

  public void sregs(KvmSregs value) {
    MemorySegment sregs = ThreadScratch.segment();
    if (sregs2) {
      value.put2(sregs);
      KvmCall.checked(fd(), KvmIoctl.KVM_SET_SREGS2, "KVM_SET_SREGS2", sregs);
    } else {
      value.putLegacy(sregs);
      KvmCall.checked(fd(), KvmIoctl.KVM_SET_SREGS, "KVM_SET_SREGS", sregs);
    }
  }

  /** Bytes that {@link #readXsave} writes and {@link #writeXsave} needs. */
  public int xsaveSizeBytes() {
    return xsaveSizeBytes;
  }

  /**
   * Reads the XSAVE area (standard format, Intel SDM volume 1, section 13.4) into native memory.
   */
  public void readXsave(MemorySegment area) {
    requireXsaveSize(area);
    boolean large = xsaveSizeBytes > VcpuLayouts.XSAVE_BYTES;
    KvmCall.checked(
        fd(),
        large ? KvmIoctl.KVM_GET_XSAVE2 : KvmIoctl.KVM_GET_XSAVE,
        large ? "KVM_GET_XSAVE2" : "KVM_GET_XSAVE",
        area);
  }

  /** Sets the XSAVE area from native memory. */
  public void writeXsave(MemorySegment area) {
    requireXsaveSize(area);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_XSAVE, "KVM_SET_XSAVE", area);
  }

  /** The XSAVE area as an array of {@link #xsaveSizeBytes()}. */
  public byte[] xsave() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment area = arena.allocate(xsaveSizeBytes, 64);
      readXsave(area);
      return area.toArray(JAVA_BYTE);
    }
  }

  /** Sets the XSAVE area; a shorter one is filled up with zeros, a longer one refused. */
  public void xsave(byte[] value) {
    if (value.length > xsaveSizeBytes) {
      throw new IllegalArgumentException(
          "an XSAVE area of %d bytes, this host's KVM has %d: the guest uses a feature it lacks"
              .formatted(value.length, xsaveSizeBytes));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment area = arena.allocate(xsaveSizeBytes, 64);
      area.copyFrom(MemorySegment.ofArray(value));
      writeXsave(area);
    }
  }

  private void requireXsaveSize(MemorySegment area) {
    if (area.byteSize() < xsaveSizeBytes) {
      throw new IllegalArgumentException(
          "an XSAVE buffer of %d bytes, needed %d".formatted(area.byteSize(), xsaveSizeBytes));
    }
  }

  /** XCR0; the only extended control register that KVM has. */
  public long xcr0() {
    MemorySegment xcrs = ThreadScratch.zeroed(VcpuLayouts.XCRS.byteSize());
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_XCRS, "KVM_GET_XCRS", xcrs);
    int count = Math.min(xcrs.get(JAVA_INT, 0), VcpuLayouts.MAX_XCRS);
    for (int i = 0; i < count; i++) {
      if (xcrs.get(JAVA_INT, 8 + 16L * i) == 0) {
        return xcrs.get(JAVA_LONG, 16 + 16L * i);
      }
    }
    // A guest without XSAVE has none; 1 (x87 only) is its value after reset.
    return 1;
  }

  public void xcr0(long value) {
    MemorySegment xcrs = ThreadScratch.zeroed(VcpuLayouts.XCRS.byteSize());
    xcrs.set(JAVA_INT, 0, 1);
    xcrs.set(JAVA_LONG, 16, value);
    int result = KvmCall.tried(fd(), KvmIoctl.KVM_SET_XCRS, xcrs);
    if (result < 0) {
      throw new NativeException(
          -result,
          "KVM_SET_XCRS XCR0 0x%x".formatted(value),
          "the guest uses a processor feature that this host, or the CPUID given, lacks");
    }
  }

  /**
   * Reads all MSRs of a batch; those that KVM refuses are marked in it.
   *
   * @return how many were read
   */
  public int readMsrs(MsrBatch batch) {
    return batch.read(descriptor);
  }

  /**
   * Writes all MSRs of a batch in its order; those that KVM refuses are marked in it.
   *
   * @return how many were accepted
   */
  public int writeMsrs(MsrBatch batch) {
    return batch.write(descriptor);
  }

  /**
   * Gives the vCPU machine-check banks; before its MSRs are set.
   *
   * @param capability value of IA32_MCG_CAP
   */
  public void machineCheck(long capability) {
    MemorySegment scratch = ThreadScratch.segment();
    scratch.set(JAVA_LONG, 0, capability);
    int result = KvmCall.tried(fd(), KvmIoctl.KVM_X86_SETUP_MCE, scratch);
    if (result < 0) {
      throw new NativeException(
          -result, "KVM_X86_SETUP_MCE with capability 0x%x".formatted(capability));
    }
  }

  /** The first 1 KiB of the LAPIC's register page; needs LAPICs in KVM. */
  public byte[] lapic() {
    MemorySegment lapic = ThreadScratch.segment();
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_LAPIC, "KVM_GET_LAPIC", lapic);
    byte[] registers = new byte[VcpuLayouts.LAPIC_BYTES];
    MemorySegment.copy(lapic, JAVA_BYTE, 0, registers, 0, registers.length);
    return registers;
  }

  public void lapic(byte[] registers) {
    if (registers.length != VcpuLayouts.LAPIC_BYTES) {
      throw new IllegalArgumentException(
          "LAPIC state of %d bytes, expected %d"
              .formatted(registers.length, VcpuLayouts.LAPIC_BYTES));
    }
    MemorySegment lapic = ThreadScratch.segment();
    MemorySegment.copy(registers, 0, lapic, JAVA_BYTE, 0, registers.length);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_LAPIC, "KVM_SET_LAPIC", lapic);
  }

  public VcpuEvents events() {
    MemorySegment events = ThreadScratch.zeroed(VcpuLayouts.EVENTS.byteSize());
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS", events);
    return VcpuEvents.get(events);
  }

  public void events(VcpuEvents value) {
    MemorySegment events = ThreadScratch.segment();
    value.put(events);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", events);
  }

  public DebugRegs debugRegs() {
    MemorySegment regs = ThreadScratch.segment();
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_DEBUGREGS, "KVM_GET_DEBUGREGS", regs);
    return DebugRegs.get(regs);
  }

  public void debugRegs(DebugRegs value) {
    MemorySegment regs = ThreadScratch.segment();
    value.put(regs);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_DEBUGREGS, "KVM_SET_DEBUGREGS", regs);
  }

  public MpState mpState() {
    MemorySegment state = ThreadScratch.segment();
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_MP_STATE, "KVM_GET_MP_STATE", state);
    return MpState.of(state.get(JAVA_INT, 0));
  }

  public void mpState(MpState value) {
    MemorySegment state = ThreadScratch.segment();
    state.set(JAVA_INT, 0, value.number());
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_MP_STATE, "KVM_SET_MP_STATE", state);
  }

  /** The CPUID leaves that this vCPU shows. */
  public List<CpuidEntry> cpuid() {
    return CpuidEntry.read(fd(), KvmIoctl.KVM_GET_CPUID2, "KVM_GET_CPUID2");
  }

  /** Sets the CPUID leaves; before other state and before the first run. */
  public void cpuid(List<CpuidEntry> entries) {
    CpuidEntry.write(fd(), entries);
  }

  /** The guest's TSC rate in kHz. */
  public int tscKhz() {
    return KvmCall.checked(fd(), KvmIoctl.KVM_GET_TSC_KHZ, "KVM_GET_TSC_KHZ", 0);
  }

  /**
   * Sets the guest's TSC rate in kHz. Without TSC scaling in hardware only the host's own rate and
   * rates above it work (the latter in catch-up mode).
   */
  public void tscKhz(int khz) {
    int result = Libc.ioctl(fd(), KvmIoctl.KVM_SET_TSC_KHZ, khz);
    if (result < 0) {
      throw new NativeException(
          -result,
          "KVM_SET_TSC_KHZ %d".formatted(khz),
          "this host's processor can't scale the TSC: use hosts of one TSC rate");
    }
  }

  /**
   * Whether this host knows {@link #tscOffset()} (Linux 5.16). KVM without hardware help may know
   * it and keep 0 whatever is set: read back what was set.
   */
  public boolean hasTscOffset() {
    return tscOffsetCall(KvmIoctl.KVM_HAS_DEVICE_ATTR, 0) >= 0;
  }

  /** Guest TSC minus host TSC (KVM_VCPU_TSC_OFFSET), in ticks of the guest. */
  public long tscOffset() {
    int result = tscOffsetCall(KvmIoctl.KVM_GET_DEVICE_ATTR, 0);
    if (result < 0) {
      throw new NativeException(-result, "KVM_GET_DEVICE_ATTR KVM_VCPU_TSC_OFFSET");
    }
    return ThreadScratch.segment().get(JAVA_LONG, 64);
  }

  public void tscOffset(long ticks) {
    int result = tscOffsetCall(KvmIoctl.KVM_SET_DEVICE_ATTR, ticks);
    if (result < 0) {
      throw new NativeException(
          -result, "KVM_SET_DEVICE_ATTR KVM_VCPU_TSC_OFFSET %d".formatted(ticks));
    }
  }

  private int tscOffsetCall(long request, long value) {
    MemorySegment scratch = ThreadScratch.segment();
    scratch.set(JAVA_INT, 0, 0);
    scratch.set(JAVA_INT, 4, TSC_CTRL_GROUP);
    scratch.set(JAVA_LONG, 8, TSC_OFFSET_ATTRIBUTE);
    scratch.set(JAVA_LONG, 16, scratch.address() + 64);
    scratch.set(JAVA_LONG, 64, value);
    return KvmCall.tried(fd(), request, scratch);
  }

  /** KVM_ENABLE_CAP on the vCPU. */
  public void enable(KvmCapability capability, long... arguments) {
    MemorySegment cap = ThreadScratch.zeroed(VmLayouts.ENABLE_CAP.byteSize());
    cap.set(JAVA_INT, 0, capability.number());
    for (int i = 0; i < arguments.length; i++) {
      cap.set(JAVA_LONG, 8 + 8L * i, arguments[i]);
    }
    KvmCall.checked(fd(), KvmIoctl.KVM_ENABLE_CAP, "KVM_ENABLE_CAP " + capability, cap);
  }

  /** Unmaps kvm_run and closes the vCPU; its thread must have left {@link #run} for good. */
  @Override
  public void close() {
    mapping.close();
    descriptor.close();
  }

  @Override
  public String toString() {
    return "vCPU " + id + " of " + vm;
  }
}

package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.EventFd;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import dev.here.ffi.ThreadScratch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One VM of KVM: memory slots, interrupts, clock, and the way to its {@link KvmVcpu}s.
 *
 * <p>Its ioctls work only in the process that created it (KVM compares the caller's mm and answers
 * EIO). Order of set-up: capabilities ({@link #enableSplitIrqchip}, {@link #enableDirtyRing})
 * before the first vCPU; {@link #tssAddress} and {@link #identityMapAddress} before it too (Intel
 * hosts need them). Close the vCPUs, then this, then unmap the memory.
 */
public final class KvmVm implements AutoCloseable {
  /** KVM_MEM_LOG_DIRTY_PAGES. */
  public static final int LOG_DIRTY_PAGES = 1;

  /** KVM_MEM_READONLY: a guest's write exits with KVM_EXIT_MMIO. */
  public static final int READ_ONLY = 2;

  private static final long PAGE_BYTES = 4096;

  private final Kvm kvm;
  private final FileDescriptor descriptor;

  KvmVm(Kvm kvm, FileDescriptor descriptor) {
    this.kvm = kvm;
    this.descriptor = descriptor;
  }

  int fd() {
    return descriptor.number();
  }

  Kvm kvm() {
    return kvm;
  }

  /** The value of a capability of this VM, 0 when it is missing. */
  public int capability(KvmCapability capability) {
    return KvmCall.checked(
        fd(),
        KvmIoctl.KVM_CHECK_EXTENSION,
        "KVM_CHECK_EXTENSION " + capability,
        capability.number());
  }

  /** KVM_ENABLE_CAP on the VM with up to four arguments. */
  public void enable(KvmCapability capability, long... arguments) {
    MemorySegment cap = ThreadScratch.zeroed(VmLayouts.ENABLE_CAP.byteSize());
    cap.set(JAVA_INT, 0, capability.number());
    for (int i = 0; i < arguments.length; i++) {
      cap.set(JAVA_LONG, 8 + 8L * i, arguments[i]);
    }
    KvmCall.checked(fd(), KvmIoctl.KVM_ENABLE_CAP, "KVM_ENABLE_CAP " + capability, cap);
  }

  /**
   * LAPICs in KVM, PIC, IOAPIC and PIT outside. The IOAPIC's GSIs 0 to {@code ioapicPins - 1} are
   * reserved in the routing table.
   */
  public void enableSplitIrqchip(int ioapicPins) {
    enable(KvmCapability.KVM_CAP_SPLIT_IRQCHIP, ioapicPins);
  }

  /** 32-bit APIC ids in MSIs and LAPIC states, and no broadcast quirk of id 255. */
  public void enableX2apicApi() {
    enable(KvmCapability.KVM_CAP_X2APIC_API, 3);
  }

  /** Pending exceptions keep their payload (CR2, DR6) in struct kvm_vcpu_events. */
  public void enableExceptionPayload() {
    enable(KvmCapability.KVM_CAP_EXCEPTION_PAYLOAD, 1);
  }

  /** A pending triple fault is part of struct kvm_vcpu_events. */
  public void enableTripleFaultEvent() {
    enable(KvmCapability.KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1);
  }

  /**
   * Exits that the guest may keep: KVM_X86_DISABLE_EXITS_ bits (1 MWAIT, 2 HLT, 4 PAUSE, 8 CSTATE).
   */
  public void disableExits(int mask) {
    enable(KvmCapability.KVM_CAP_X86_DISABLE_EXITS, mask);
  }

  /**
   * Reading a dirty log no longer protects the pages again; {@link #clearDirtyLog} does, for the
   * part that the caller names.
   *
   * @param initiallySet a slot's log starts with every page dirty, so that enabling it costs no
   *     protection of all pages at once
   */
  public void enableManualDirtyLog(boolean initiallySet) {
    enable(KvmCapability.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, initiallySet ? 3 : 1);
  }

  /**
   * Dirty pages go to a ring per vCPU in place of bitmaps; before the first vCPU.
   *
   * @param sizeBytes a power of two, 65536 or more, a page entry takes 16 bytes; at most the value
   *     of KVM_CAP_DIRTY_LOG_RING_ACQ_REL
   */
  public void enableDirtyRing(int sizeBytes) {
    enable(KvmCapability.KVM_CAP_DIRTY_LOG_RING_ACQ_REL, sizeBytes);
  }

  /** Gives harvested ring entries back to KVM; returns how many pages it protected again. */
  public int resetDirtyRings() {
    return KvmCall.checked(fd(), KvmIoctl.KVM_RESET_DIRTY_RINGS, "KVM_RESET_DIRTY_RINGS", 0);
  }

  /**
   * Creates, changes or moves a memory slot.
   *
   * @param gpa guest-physical address of the first byte, a multiple of the page size
   * @param hva host virtual address; the memory must stay mapped until the slot or the VM has gone
   * @param flags {@link #LOG_DIRTY_PAGES}, {@link #READ_ONLY}
   */
  public void memoryRegion(int slot, long gpa, long sizeBytes, long hva, int flags) {
    MemorySegment region = ThreadScratch.segment();
    region.set(JAVA_INT, 0, slot);
    region.set(JAVA_INT, 4, flags);
    region.set(JAVA_LONG, 8, gpa);
    region.set(JAVA_LONG, 16, sizeBytes);
    region.set(JAVA_LONG, 24, hva);
    int result = KvmCall.tried(fd(), KvmIoctl.KVM_SET_USER_MEMORY_REGION, region);
    if (result < 0) {
      throw new NativeException(
          -result,
          "KVM_SET_USER_MEMORY_REGION slot %d gpa 0x%x size 0x%x hva 0x%x flags %d"
              .formatted(slot, gpa, sizeBytes, hva, flags));
    }
  }

  /** Removes a memory slot. */
  public void removeMemoryRegion(int slot) {
    memoryRegion(slot, 0, 0, 0, 0);
  }

  /** Bytes of a slot's dirty bitmap: one bit a page, in whole 64-bit words. */
  public static long dirtyBitmapBytes(long slotSizeBytes) {
    long pages = (slotSizeBytes + PAGE_BYTES - 1) / PAGE_BYTES;
    return (pages + 63) / 64 * 8;
  }

  /**
   * Writes a slot's dirty bitmap (bit 0 of word 0 is the slot's first page). Without manual
   * protection the log starts anew; with it, nothing changes until {@link #clearDirtyLog}.
   *
   * @param bitmap at least {@link #dirtyBitmapBytes} bytes; no allocation happens here
   */
  public void dirtyLog(int slot, MemorySegment bitmap) {
    MemorySegment log = ThreadScratch.segment();
    log.set(JAVA_INT, 0, slot);
    log.set(JAVA_INT, 4, 0);
    log.set(JAVA_LONG, 8, bitmap.address());
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", log);
  }

  /**
   * Forgets and protects again the pages whose bits are set in {@code bitmap}.
   *
   * @param firstPage index in the slot, a multiple of 64; bit 0 of the bitmap is this page
   * @param pages a multiple of 64, or what is left of the slot
   */
  public void clearDirtyLog(int slot, long firstPage, int pages, MemorySegment bitmap) {
    MemorySegment log = ThreadScratch.segment();
    log.set(JAVA_INT, 0, slot);
    log.set(JAVA_INT, 4, pages);
    log.set(JAVA_LONG, 8, firstPage);
    log.set(JAVA_LONG, 16, bitmap.address());
    KvmCall.checked(fd(), KvmIoctl.KVM_CLEAR_DIRTY_LOG, "KVM_CLEAR_DIRTY_LOG", log);
  }

  /** Where Intel hosts keep three pages of their own, below 4 GiB and outside RAM. */
  public void tssAddress(long gpa) {
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR", gpa);
  }

  /** Where Intel hosts keep the identity map page, below 4 GiB and outside RAM. */
  public void identityMapAddress(long gpa) {
    MemorySegment address = ThreadScratch.segment();
    address.set(JAVA_LONG, 0, gpa);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_IDENTITY_MAP_ADDR, "KVM_SET_IDENTITY_MAP_ADDR", address);
  }

  /** Which vCPU id starts as the bootstrap processor; before the first vCPU. */
  public void bootVcpu(int vcpuId) {
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_BOOT_CPU_ID, "KVM_SET_BOOT_CPU_ID", vcpuId);
  }

  /** Replaces the GSI routing table. */
  public void routing(GsiRouting routing) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(routing.byteSize(), 8);
      routing.put(table);
      int result = KvmCall.tried(fd(), KvmIoctl.KVM_SET_GSI_ROUTING, table);
      if (result < 0) {
        throw new NativeException(
            -result, "KVM_SET_GSI_ROUTING with %d entries".formatted(routing.size()));
      }
    }
  }

  /**
   * Delivers an MSI to the LAPICs.
   *
   * @return whether any LAPIC took it; the guest may have blocked it
   */
  public boolean signalMsi(long address, int data) {
    MemorySegment msi = ThreadScratch.segment();
    msi.set(JAVA_INT, 0, (int) address);
    msi.set(JAVA_INT, 4, (int) (address >>> 32));
    msi.set(JAVA_INT, 8, data);
    msi.set(JAVA_INT, 12, 0);
    msi.set(JAVA_LONG, 16, 0);
    msi.set(JAVA_LONG, 24, 0);
    return KvmCall.checked(fd(), KvmIoctl.KVM_SIGNAL_MSI, "KVM_SIGNAL_MSI", msi) > 0;
  }

  /** From now on a signal of the eventfd raises the GSI, without a system call of the VMM. */
  public void connectIrqfd(EventFd event, int gsi) {
    irqfd(event, gsi, 0);
  }

  /** Undoes {@link #connectIrqfd}. */
  public void disconnectIrqfd(EventFd event, int gsi) {
    irqfd(event, gsi, 1);
  }

  private void irqfd(EventFd event, int gsi, int flags) {
    MemorySegment irqfd = ThreadScratch.zeroed(VmLayouts.IRQFD.byteSize());
    irqfd.set(JAVA_INT, 0, event.descriptor().number());
    irqfd.set(JAVA_INT, 4, gsi);
    irqfd.set(JAVA_INT, 8, flags);
    KvmCall.checked(fd(), KvmIoctl.KVM_IRQFD, "KVM_IRQFD", irqfd);
  }

  /** Connects or disconnects an ioeventfd. */
  public void ioeventfd(IoEvent event, EventFd target, boolean connect) {
    MemorySegment data = ThreadScratch.zeroed(VmLayouts.IOEVENTFD.byteSize());
    event.put(data, target.descriptor().number(), connect);
    int result = KvmCall.tried(fd(), KvmIoctl.KVM_IOEVENTFD, data);
    if (result < 0) {
      throw new NativeException(-result, "KVM_IOEVENTFD " + event);
    }
  }

  /** KVM_GET_CLOCK. */
  public KvmClock clock() {
    MemorySegment data = ThreadScratch.zeroed(VmLayouts.CLOCK.byteSize());
    KvmCall.checked(fd(), KvmIoctl.KVM_GET_CLOCK, "KVM_GET_CLOCK", data);
    return KvmClock.get(data);
  }

  /** KVM_SET_CLOCK; of the flags only {@link KvmClock#REALTIME} counts. */
  public void clock(KvmClock clock) {
    MemorySegment data = ThreadScratch.zeroed(VmLayouts.CLOCK.byteSize());
    clock.put(data);
    KvmCall.checked(fd(), KvmIoctl.KVM_SET_CLOCK, "KVM_SET_CLOCK", data);
  }

  /** Size in bytes of a vCPU's XSAVE area here: 4096 at least. */
  public int xsaveSizeBytes() {
    return Math.max(capability(KvmCapability.KVM_CAP_XSAVE2), VcpuLayouts.XSAVE_BYTES);
  }

  /**
   * Creates a vCPU.
   *
   * @param vcpuId also its initial APIC id
   */
  public KvmVcpu createVcpu(int vcpuId) {
    int fd = Libc.ioctl(fd(), KvmIoctl.KVM_CREATE_VCPU, vcpuId);
    if (fd < 0) {
      throw new NativeException(-fd, "KVM_CREATE_VCPU " + vcpuId);
    }
    return new KvmVcpu(this, vcpuId, FileDescriptor.adopt(fd, "vCPU " + vcpuId));
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

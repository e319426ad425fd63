package dev.here.kvm;

import static dev.here.ffi.IoctlNumber.none;
import static dev.here.ffi.IoctlNumber.read;
import static dev.here.ffi.IoctlNumber.readWrite;
import static dev.here.ffi.IoctlNumber.write;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;

/**
 * Request numbers of /dev/kvm, its VMs and its vCPUs (linux/kvm.h), computed from the sizes of
 * their structures. A test compares each with what a C compiler makes of the header.
 */
final class KvmIoctl {
  private static final int KVMIO = 0xAE;

  static final long KVM_GET_API_VERSION = none(KVMIO, 0x00);
  static final long KVM_CREATE_VM = none(KVMIO, 0x01);
  static final long KVM_GET_MSR_INDEX_LIST = readWrite(KVMIO, 0x02, JAVA_INT);
  static final long KVM_CHECK_EXTENSION = none(KVMIO, 0x03);
  static final long KVM_GET_VCPU_MMAP_SIZE = none(KVMIO, 0x04);
  static final long KVM_GET_SUPPORTED_CPUID = readWrite(KVMIO, 0x05, CpuidLayout.HEADER);
  static final long KVM_GET_MSR_FEATURE_INDEX_LIST = readWrite(KVMIO, 0x0a, JAVA_INT);

  static final long KVM_CREATE_VCPU = none(KVMIO, 0x41);
  static final long KVM_GET_DIRTY_LOG = write(KVMIO, 0x42, VmLayouts.DIRTY_LOG);
  static final long KVM_SET_USER_MEMORY_REGION = write(KVMIO, 0x46, VmLayouts.MEMORY_REGION);
  static final long KVM_SET_TSS_ADDR = none(KVMIO, 0x47);
  static final long KVM_SET_IDENTITY_MAP_ADDR = write(KVMIO, 0x48, JAVA_LONG);
  static final long KVM_SET_GSI_ROUTING = write(KVMIO, 0x6a, VmLayouts.ROUTING_HEADER);
  static final long KVM_IRQFD = write(KVMIO, 0x76, VmLayouts.IRQFD);
  static final long KVM_SET_BOOT_CPU_ID = none(KVMIO, 0x78);
  static final long KVM_IOEVENTFD = write(KVMIO, 0x79, VmLayouts.IOEVENTFD);
  static final long KVM_SET_CLOCK = write(KVMIO, 0x7b, VmLayouts.CLOCK);
  static final long KVM_GET_CLOCK = read(KVMIO, 0x7c, VmLayouts.CLOCK);
  static final long KVM_RUN = none(KVMIO, 0x80);
  static final long KVM_GET_REGS = read(KVMIO, 0x81, RegsLayout.LAYOUT);
  static final long KVM_SET_REGS = write(KVMIO, 0x82, RegsLayout.LAYOUT);
  static final long KVM_GET_SREGS = read(KVMIO, 0x83, SregsLayout.SREGS);
  static final long KVM_SET_SREGS = write(KVMIO, 0x84, SregsLayout.SREGS);
  static final long KVM_INTERRUPT = write(KVMIO, 0x86, JAVA_INT);
  static final long KVM_GET_MSRS = readWrite(KVMIO, 0x88, MsrsLayout.HEADER);
  static final long KVM_SET_MSRS = write(KVMIO, 0x89, MsrsLayout.HEADER);
  static final long KVM_GET_LAPIC =
      read(KVMIO, 0x8e, MemoryLayout.sequenceLayout(VcpuLayouts.LAPIC_BYTES / 4, JAVA_INT));
  static final long KVM_SET_LAPIC =
      write(KVMIO, 0x8f, MemoryLayout.sequenceLayout(VcpuLayouts.LAPIC_BYTES / 4, JAVA_INT));
  static final long KVM_SET_CPUID2 = write(KVMIO, 0x90, CpuidLayout.HEADER);
  static final long KVM_GET_CPUID2 = readWrite(KVMIO, 0x91, CpuidLayout.HEADER);
  static final long KVM_GET_MP_STATE = read(KVMIO, 0x98, JAVA_INT);
  static final long KVM_SET_MP_STATE = write(KVMIO, 0x99, JAVA_INT);
  static final long KVM_NMI = none(KVMIO, 0x9a);
  static final long KVM_X86_SETUP_MCE = write(KVMIO, 0x9c, JAVA_LONG);
  static final long KVM_GET_VCPU_EVENTS = read(KVMIO, 0x9f, VcpuLayouts.EVENTS);
  static final long KVM_SET_VCPU_EVENTS = write(KVMIO, 0xa0, VcpuLayouts.EVENTS);
  static final long KVM_GET_DEBUGREGS = read(KVMIO, 0xa1, VcpuLayouts.DEBUGREGS);
  static final long KVM_SET_DEBUGREGS = write(KVMIO, 0xa2, VcpuLayouts.DEBUGREGS);
  static final long KVM_SET_TSC_KHZ = none(KVMIO, 0xa2);
  static final long KVM_GET_TSC_KHZ = none(KVMIO, 0xa3);
  static final long KVM_ENABLE_CAP = write(KVMIO, 0xa3, VmLayouts.ENABLE_CAP);
  static final long KVM_GET_XSAVE = read(KVMIO, 0xa4, VcpuLayouts.XSAVE);
  static final long KVM_SET_XSAVE = write(KVMIO, 0xa5, VcpuLayouts.XSAVE);
  static final long KVM_SIGNAL_MSI = write(KVMIO, 0xa5, VmLayouts.MSI);
  static final long KVM_GET_XCRS = read(KVMIO, 0xa6, VcpuLayouts.XCRS);
  static final long KVM_SET_XCRS = write(KVMIO, 0xa7, VcpuLayouts.XCRS);
  static final long KVM_KVMCLOCK_CTRL = none(KVMIO, 0xad);
  static final long KVM_CLEAR_DIRTY_LOG = readWrite(KVMIO, 0xc0, VmLayouts.CLEAR_DIRTY_LOG);
  static final long KVM_RESET_DIRTY_RINGS = none(KVMIO, 0xc7);
  static final long KVM_GET_SREGS2 = read(KVMIO, 0xcc, SregsLayout.SREGS2);
  static final long KVM_SET_SREGS2 = write(KVMIO, 0xcd, SregsLayout.SREGS2);
  static final long KVM_GET_XSAVE2 = read(KVMIO, 0xcf, VcpuLayouts.XSAVE);
  static final long KVM_SET_DEVICE_ATTR = write(KVMIO, 0xe1, VmLayouts.DEVICE_ATTR);
  static final long KVM_GET_DEVICE_ATTR = write(KVMIO, 0xe2, VmLayouts.DEVICE_ATTR);
  static final long KVM_HAS_DEVICE_ATTR = write(KVMIO, 0xe3, VmLayouts.DEVICE_ATTR);

  private KvmIoctl() {}
}

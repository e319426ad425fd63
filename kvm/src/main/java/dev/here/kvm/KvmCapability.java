package dev.here.kvm;

/** Capabilities that the product asks for (linux/kvm.h, Documentation/virt/kvm/api.rst). */
public enum KvmCapability {
  KVM_CAP_IRQCHIP(0),
  KVM_CAP_USER_MEMORY(3),
  KVM_CAP_SET_TSS_ADDR(4),
  KVM_CAP_EXT_CPUID(7),
  KVM_CAP_NR_VCPUS(9),
  /** Its value is the number of slots. */
  KVM_CAP_NR_MEMSLOTS(10),
  KVM_CAP_MP_STATE(14),
  KVM_CAP_SYNC_MMU(16),
  KVM_CAP_IRQ_ROUTING(25),
  KVM_CAP_IRQ_INJECT_STATUS(26),
  KVM_CAP_IRQFD(32),
  KVM_CAP_SET_BOOT_CPU_ID(34),
  KVM_CAP_IOEVENTFD(36),
  KVM_CAP_SET_IDENTITY_MAP_ADDR(37),
  /** Its value is the set of flags of KVM_GET_CLOCK. */
  KVM_CAP_ADJUST_CLOCK(39),
  KVM_CAP_INTERNAL_ERROR_DATA(40),
  KVM_CAP_VCPU_EVENTS(41),
  KVM_CAP_DEBUGREGS(50),
  KVM_CAP_ENABLE_CAP(54),
  KVM_CAP_XSAVE(55),
  KVM_CAP_XCRS(56),
  KVM_CAP_ASYNC_PF(59),
  KVM_CAP_TSC_CONTROL(60),
  KVM_CAP_GET_TSC_KHZ(61),
  KVM_CAP_MAX_VCPUS(66),
  KVM_CAP_TSC_DEADLINE_TIMER(72),
  KVM_CAP_KVMCLOCK_CTRL(76),
  KVM_CAP_SIGNAL_MSI(77),
  KVM_CAP_READONLY_MEM(81),
  KVM_CAP_IRQFD_RESAMPLE(82),
  KVM_CAP_ENABLE_CAP_VM(98),
  KVM_CAP_IOEVENTFD_NO_LENGTH(100),
  KVM_CAP_VM_ATTRIBUTES(101),
  KVM_CAP_CHECK_EXTENSION_VM(105),
  KVM_CAP_X86_SMM(117),
  KVM_CAP_SPLIT_IRQCHIP(121),
  KVM_CAP_MAX_VCPU_ID(128),
  /** Its value is the set of flags that may be enabled. */
  KVM_CAP_X2APIC_API(129),
  KVM_CAP_IMMEDIATE_EXIT(136),
  KVM_CAP_X86_DISABLE_EXITS(143),
  KVM_CAP_GET_MSR_FEATURES(153),
  KVM_CAP_NESTED_STATE(157),
  KVM_CAP_EXCEPTION_PAYLOAD(164),
  /** Its value is the set of flags that may be enabled. */
  KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2(168),
  KVM_CAP_X86_USER_SPACE_MSR(188),
  KVM_CAP_DIRTY_LOG_RING(192),
  KVM_CAP_SREGS2(200),
  KVM_CAP_EXIT_ON_EMULATION_FAILURE(204),
  /** Its value is the size in bytes of the XSAVE area. */
  KVM_CAP_XSAVE2(208),
  KVM_CAP_SYS_ATTRIBUTES(209),
  KVM_CAP_VM_TSC_CONTROL(214),
  KVM_CAP_SYSTEM_EVENT_DATA(215),
  KVM_CAP_X86_TRIPLE_FAULT_EVENT(218),
  /** Its value is the largest size of a ring in bytes. */
  KVM_CAP_DIRTY_LOG_RING_ACQ_REL(223);

  private final int number;

  KvmCapability(int number) {
    this.number = number;
  }

  /** KVM's number of the capability. */
  public int number() {
    return number;
  }
}

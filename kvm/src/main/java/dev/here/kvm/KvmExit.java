package dev.here.kvm;

/** Reasons for which KVM_RUN returns to its caller (linux/kvm.h). */
public final class KvmExit {
  public static final int KVM_EXIT_UNKNOWN = 0;
  public static final int KVM_EXIT_EXCEPTION = 1;
  public static final int KVM_EXIT_IO = 2;
  public static final int KVM_EXIT_HYPERCALL = 3;
  public static final int KVM_EXIT_DEBUG = 4;
  public static final int KVM_EXIT_HLT = 5;
  public static final int KVM_EXIT_MMIO = 6;
  public static final int KVM_EXIT_IRQ_WINDOW_OPEN = 7;
  public static final int KVM_EXIT_SHUTDOWN = 8;
  public static final int KVM_EXIT_FAIL_ENTRY = 9;
  public static final int KVM_EXIT_INTR = 10;
  public static final int KVM_EXIT_TPR_ACCESS = 12;
  public static final int KVM_EXIT_NMI = 16;
  public static final int KVM_EXIT_INTERNAL_ERROR = 17;
  public static final int KVM_EXIT_SYSTEM_EVENT = 24;
  public static final int KVM_EXIT_IOAPIC_EOI = 26;
  public static final int KVM_EXIT_X86_RDMSR = 29;
  public static final int KVM_EXIT_X86_WRMSR = 30;
  public static final int KVM_EXIT_DIRTY_RING_FULL = 31;
  public static final int KVM_EXIT_AP_RESET_HOLD = 32;
  public static final int KVM_EXIT_X86_BUS_LOCK = 33;
  public static final int KVM_EXIT_NOTIFY = 37;

  private static final String[] NAMES = new String[64];

  static {
    NAMES[KVM_EXIT_UNKNOWN] = "KVM_EXIT_UNKNOWN";
    NAMES[KVM_EXIT_EXCEPTION] = "KVM_EXIT_EXCEPTION";
    NAMES[KVM_EXIT_IO] = "KVM_EXIT_IO";
    NAMES[KVM_EXIT_HYPERCALL] = "KVM_EXIT_HYPERCALL";
    NAMES[KVM_EXIT_DEBUG] = "KVM_EXIT_DEBUG";
    NAMES[KVM_EXIT_HLT] = "KVM_EXIT_HLT";
    NAMES[KVM_EXIT_MMIO] = "KVM_EXIT_MMIO";
    NAMES[KVM_EXIT_IRQ_WINDOW_OPEN] = "KVM_EXIT_IRQ_WINDOW_OPEN";
    NAMES[KVM_EXIT_SHUTDOWN] = "KVM_EXIT_SHUTDOWN";
    NAMES[KVM_EXIT_FAIL_ENTRY] = "KVM_EXIT_FAIL_ENTRY";
    NAMES[KVM_EXIT_INTR] = "KVM_EXIT_INTR";
    NAMES[KVM_EXIT_TPR_ACCESS] = "KVM_EXIT_TPR_ACCESS";
    NAMES[KVM_EXIT_NMI] = "KVM_EXIT_NMI";
    NAMES[KVM_EXIT_INTERNAL_ERROR] = "KVM_EXIT_INTERNAL_ERROR";
    NAMES[KVM_EXIT_SYSTEM_EVENT] = "KVM_EXIT_SYSTEM_EVENT";
    NAMES[KVM_EXIT_IOAPIC_EOI] = "KVM_EXIT_IOAPIC_EOI";
    NAMES[KVM_EXIT_X86_RDMSR] = "KVM_EXIT_X86_RDMSR";
    NAMES[KVM_EXIT_X86_WRMSR] = "KVM_EXIT_X86_WRMSR";
    NAMES[KVM_EXIT_DIRTY_RING_FULL] = "KVM_EXIT_DIRTY_RING_FULL";
    NAMES[KVM_EXIT_AP_RESET_HOLD] = "KVM_EXIT_AP_RESET_HOLD";
    NAMES[KVM_EXIT_X86_BUS_LOCK] = "KVM_EXIT_X86_BUS_LOCK";
    NAMES[KVM_EXIT_NOTIFY] = "KVM_EXIT_NOTIFY";
  }

  private KvmExit() {}

  /** The C name of a reason, for texts. */
  public static String name(int reason) {
    if (reason >= 0 && reason < NAMES.length && NAMES[reason] != null) {
      return NAMES[reason];
    }
    return "exit reason " + reason;
  }
}

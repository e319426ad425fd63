package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Map;

/**
 * struct kvm_run (linux/kvm.h), which KVM shares with the thread that runs a vCPU. Accessors read
 * it in place and allocate nothing. They are valid after {@link KvmVcpu#run()} until the next call
 * of it; those of one exit reason mean nothing at another.
 */
public final class KvmRun {
  private static final long REQUEST_INTERRUPT_WINDOW = 0;
  private static final long IMMEDIATE_EXIT = 1;
  private static final long EXIT_REASON = 8;
  private static final long READY_FOR_INTERRUPT_INJECTION = 12;
  private static final long IF_FLAG = 13;
  private static final long FLAGS = 14;
  private static final long CR8 = 16;
  private static final long APIC_BASE = 24;
  private static final long UNION = 32;
  private static final long IO_DIRECTION = UNION;
  private static final long IO_SIZE = UNION + 1;
  private static final long IO_PORT = UNION + 2;
  private static final long IO_COUNT = UNION + 4;
  private static final long IO_DATA_OFFSET = UNION + 8;
  private static final long MMIO_PHYS_ADDR = UNION;
  private static final long MMIO_DATA = UNION + 8;
  private static final long MMIO_LEN = UNION + 16;
  private static final long MMIO_IS_WRITE = UNION + 20;
  private static final long HARDWARE_EXIT_REASON = UNION;
  private static final long FAIL_ENTRY_CPU = UNION + 8;
  private static final long INTERNAL_SUBERROR = UNION;
  private static final long INTERNAL_NDATA = UNION + 4;
  private static final long INTERNAL_DATA = UNION + 8;
  private static final long SYSTEM_EVENT_TYPE = UNION;
  private static final long EOI_VECTOR = UNION;
  private static final long MSR_ERROR = UNION;
  private static final long MSR_REASON = UNION + 8;
  private static final long MSR_INDEX = UNION + 12;
  private static final long MSR_DATA = UNION + 16;
  private static final long HYPERCALL_NR = UNION;
  private static final long HYPERCALL_ARGS = UNION + 8;
  private static final long HYPERCALL_RET = UNION + 56;

  private static final VarHandle BYTE = JAVA_BYTE.varHandle();

  private final MemorySegment memory;

  KvmRun(MemorySegment memory) {
    this.memory = memory;
  }

  /** C member paths and the offsets used here, for the test against the header. */
  static Map<String, Long> offsets() {
    return Map.ofEntries(
        Map.entry("request_interrupt_window", REQUEST_INTERRUPT_WINDOW),
        Map.entry("immediate_exit", IMMEDIATE_EXIT),
        Map.entry("exit_reason", EXIT_REASON),
        Map.entry("ready_for_interrupt_injection", READY_FOR_INTERRUPT_INJECTION),
        Map.entry("if_flag", IF_FLAG),
        Map.entry("flags", FLAGS),
        Map.entry("cr8", CR8),
        Map.entry("apic_base", APIC_BASE),
        Map.entry("io.direction", IO_DIRECTION),
        Map.entry("io.size", IO_SIZE),
        Map.entry("io.port", IO_PORT),
        Map.entry("io.count", IO_COUNT),
        Map.entry("io.data_offset", IO_DATA_OFFSET),
        Map.entry("mmio.phys_addr", MMIO_PHYS_ADDR),
        Map.entry("mmio.data", MMIO_DATA),
        Map.entry("mmio.len", MMIO_LEN),
        Map.entry("mmio.is_write", MMIO_IS_WRITE),
        Map.entry("hw.hardware_exit_reason", HARDWARE_EXIT_REASON),
        Map.entry("fail_entry.hardware_entry_failure_reason", HARDWARE_EXIT_REASON),
        Map.entry("fail_entry.cpu", FAIL_ENTRY_CPU),
        Map.entry("internal.suberror", INTERNAL_SUBERROR),
        Map.entry("internal.ndata", INTERNAL_NDATA),
        Map.entry("internal.data", INTERNAL_DATA),
        Map.entry("system_event.type", SYSTEM_EVENT_TYPE),
        Map.entry("eoi.vector", EOI_VECTOR),
        Map.entry("msr.error", MSR_ERROR),
        Map.entry("msr.reason", MSR_REASON),
        Map.entry("msr.index", MSR_INDEX),
        Map.entry("msr.data", MSR_DATA),
        Map.entry("hypercall.nr", HYPERCALL_NR),
        Map.entry("hypercall.args", HYPERCALL_ARGS),
        Map.entry("hypercall.ret", HYPERCALL_RET));
  }

  /** The whole mapping. */
  public MemorySegment memory() {
    return memory;
  }

  /** A KVM_EXIT_ constant of {@link KvmExit}. */
  public int exitReason() {
    return memory.get(JAVA_INT, EXIT_REASON);
  }

  /** Ask for KVM_EXIT_IRQ_WINDOW_OPEN as soon as the guest can take an external interrupt. */
  public void requestInterruptWindow(boolean on) {
    memory.set(JAVA_BYTE, REQUEST_INTERRUPT_WINDOW, (byte) (on ? 1 : 0));
  }

  /** Whether KVM_INTERRUPT may be called now. */
  public boolean readyForInterruptInjection() {
    return memory.get(JAVA_BYTE, READY_FOR_INTERRUPT_INJECTION) != 0;
  }

  /** The guest's RFLAGS.IF. */
  public boolean interruptFlag() {
    return memory.get(JAVA_BYTE, IF_FLAG) != 0;
  }

  /** The guest's task priority; with LAPICs in KVM it is read only. */
  public long cr8() {
    return memory.get(JAVA_LONG, CR8);
  }

  /** IA32_APIC_BASE. */
  public long apicBase() {
    return memory.get(JAVA_LONG, APIC_BASE);
  }

  /** When set, the next KVM_RUN returns at once with EINTR; visible to other threads. */
  void immediateExit(boolean on) {
    BYTE.setVolatile(memory, IMMEDIATE_EXIT, (byte) (on ? 1 : 0));
  }

  boolean immediateExit() {
    return (byte) BYTE.getVolatile(memory, IMMEDIATE_EXIT) != 0;
  }

  /** KVM_EXIT_IO: whether the guest writes (OUT). */
  public boolean ioIsWrite() {
    return memory.get(JAVA_BYTE, IO_DIRECTION) != 0;
  }

  /** KVM_EXIT_IO: bytes of one element, 1, 2 or 4. */
  public int ioSizeBytes() {
    return memory.get(JAVA_BYTE, IO_SIZE) & 0xff;
  }

  public int ioPort() {
    return memory.get(JAVA_SHORT, IO_PORT) & 0xffff;
  }

  /** KVM_EXIT_IO: number of elements, more than 1 for string instructions. */
  public int ioCount() {
    return memory.get(JAVA_INT, IO_COUNT);
  }

  /** KVM_EXIT_IO: offset of the first element in {@link #memory()}. */
  public long ioDataOffset() {
    return memory.get(JAVA_LONG, IO_DATA_OFFSET);
  }

  /** KVM_EXIT_IO: element {@code index}, zero-extended, that the guest writes. */
  public int ioData(int index) {
    int size = ioSizeBytes();
    long at = ioDataOffset() + (long) index * size;
    return switch (size) {
      case 1 -> memory.get(JAVA_BYTE, at) & 0xff;
      case 2 -> memory.get(JAVA_SHORT, at) & 0xffff;
      default -> memory.get(JAVA_INT, at);
    };
  }

  /** KVM_EXIT_IO: the answer for element {@code index} that the guest reads. */
  public void ioData(int index, int value) {
    int size = ioSizeBytes();
    long at = ioDataOffset() + (long) index * size;
    switch (size) {
      case 1 -> memory.set(JAVA_BYTE, at, (byte) value);
      case 2 -> memory.set(JAVA_SHORT, at, (short) value);
      default -> memory.set(JAVA_INT, at, value);
    }
  }

  /** KVM_EXIT_MMIO: guest-physical address. */
  public long mmioGpa() {
    return memory.get(JAVA_LONG, MMIO_PHYS_ADDR);
  }

  /** KVM_EXIT_MMIO: 1 to 8. */
  public int mmioSizeBytes() {
    return memory.get(JAVA_INT, MMIO_LEN);
  }

  public boolean mmioIsWrite() {
    return memory.get(JAVA_BYTE, MMIO_IS_WRITE) != 0;
  }

  /** KVM_EXIT_MMIO: the little-endian value that the guest writes, zero-extended. */
  public long mmioData() {
    long value = memory.get(JAVA_LONG_UNALIGNED, MMIO_DATA);
    int size = mmioSizeBytes();
    return size >= 8 ? value : value & ((1L << size * 8) - 1);
  }

  /** KVM_EXIT_MMIO: the answer to a read. */
  public void mmioData(long value) {
    memory.set(JAVA_LONG_UNALIGNED, MMIO_DATA, value);
  }

  /** KVM_EXIT_FAIL_ENTRY and KVM_EXIT_UNKNOWN: the hardware's reason. */
  public long hardwareReason() {
    return memory.get(JAVA_LONG, HARDWARE_EXIT_REASON);
  }

  /** KVM_EXIT_INTERNAL_ERROR: KVM_INTERNAL_ERROR_ number (1 emulation, 3 delivery event, ...). */
  public int internalSuberror() {
    return memory.get(JAVA_INT, INTERNAL_SUBERROR);
  }

  /** KVM_EXIT_SYSTEM_EVENT: KVM_SYSTEM_EVENT_ number (1 shutdown, 2 reset, 3 crash). */
  public int systemEventType() {
    return memory.get(JAVA_INT, SYSTEM_EVENT_TYPE);
  }

  /** KVM_EXIT_IOAPIC_EOI: the vector that the guest ended. */
  public int eoiVector() {
    return memory.get(JAVA_BYTE, EOI_VECTOR) & 0xff;
  }

  /** KVM_EXIT_X86_RDMSR and WRMSR: the MSR. */
  public int msrIndex() {
    return memory.get(JAVA_INT, MSR_INDEX);
  }

  /** KVM_EXIT_X86_WRMSR: the value that the guest writes. */
  public long msrData() {
    return memory.get(JAVA_LONG, MSR_DATA);
  }

  /** KVM_EXIT_X86_RDMSR: the answer. */
  public void msrData(long value) {
    memory.set(JAVA_LONG, MSR_DATA, value);
    memory.set(JAVA_BYTE, MSR_ERROR, (byte) 0);
  }

  /** KVM_EXIT_X86_RDMSR and WRMSR: raise #GP in the guest. */
  public void msrFault() {
    memory.set(JAVA_BYTE, MSR_ERROR, (byte) 1);
  }

  /** KVM_EXIT_X86_WRMSR: accept. */
  public void msrAccept() {
    memory.set(JAVA_BYTE, MSR_ERROR, (byte) 0);
  }

  /** KVM_EXIT_HYPERCALL: its number. */
  public long hypercall() {
    return memory.get(JAVA_LONG, HYPERCALL_NR);
  }

  /** KVM_EXIT_HYPERCALL: argument 0 to 5. */
  public long hypercallArgument(int index) {
    return memory.get(JAVA_LONG, HYPERCALL_ARGS + 8L * index);
  }

  /** KVM_EXIT_HYPERCALL: the answer. */
  public void hypercallResult(long value) {
    memory.set(JAVA_LONG, HYPERCALL_RET, value);
  }

  /** The exit in words, for logs and errors; allocates. */
  public String describe() {
    int reason = exitReason();
    String name = KvmExit.name(reason);
    return switch (reason) {
      case KvmExit.KVM_EXIT_IO ->
          "%s %s port 0x%x, %d x %d bytes"
              .formatted(name, ioIsWrite() ? "out" : "in", ioPort(), ioCount(), ioSizeBytes());
      case KvmExit.KVM_EXIT_MMIO ->
          "%s %s gpa 0x%x, %d bytes"
              .formatted(name, mmioIsWrite() ? "write" : "read", mmioGpa(), mmioSizeBytes());
      case KvmExit.KVM_EXIT_FAIL_ENTRY, KvmExit.KVM_EXIT_UNKNOWN ->
          "%s hardware reason 0x%x".formatted(name, hardwareReason());
      case KvmExit.KVM_EXIT_INTERNAL_ERROR -> name + internalError();
      case KvmExit.KVM_EXIT_SYSTEM_EVENT -> "%s type %d".formatted(name, systemEventType());
      case KvmExit.KVM_EXIT_X86_RDMSR, KvmExit.KVM_EXIT_X86_WRMSR ->
          "%s MSR 0x%x".formatted(name, msrIndex());
      default -> name;
    };
  }

  private String internalError() {
    StringBuilder text = new StringBuilder(" suberror ").append(internalSuberror());
    int count = Math.min(memory.get(JAVA_INT, INTERNAL_NDATA), 16);
    for (int i = 0; i < count; i++) {
      text.append(i == 0 ? " data 0x" : " 0x")
          .append(Long.toHexString(memory.get(JAVA_LONG, INTERNAL_DATA + 8L * i)));
    }
    return text.toString();
  }
}

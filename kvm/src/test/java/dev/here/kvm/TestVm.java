package dev.here.kvm;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.MappedMemory;
import dev.here.ffi.MemFile;
import dev.here.testkit.BareMetalImage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** A VM with RAM at gpa 0 in a memfd, for bare-metal guests; closes what it made. */
final class TestVm implements AutoCloseable {
  static final int SLOT = 0;

  final Kvm kvm = Kvm.open();
  final KvmVm vm = kvm.createVm();
  final MappedMemory ram;
  final List<KvmVcpu> vcpus = new ArrayList<>();

  TestVm(long ramBytes) {
    try (FileDescriptor file = MemFile.create("test-ram", ramBytes)) {
      ram = MappedMemory.shared(file, 0, ramBytes);
    }
  }

  static void assumeKvm() {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
  }

  static void assume(KvmCapability capability) {
    try (Kvm kvm = Kvm.open()) {
      Assumptions.assumeTrue(kvm.supports(capability), () -> "this KVM lacks " + capability);
    }
  }

  TestVm mapRam(int flags) {
    vm.memoryRegion(SLOT, 0, ram.sizeBytes(), ram.hva(), flags);
    return this;
  }

  MemorySegment memory() {
    return ram.segment();
  }

  KvmVcpu addVcpu() {
    KvmVcpu vcpu = vm.createVcpu(vcpus.size());
    vcpus.add(vcpu);
    vcpu.cpuid(kvm.supportedCpuid());
    return vcpu;
  }

  /** A vCPU in 64-bit mode at an address, with registers RDI, RSI and RDX as arguments. */
  KvmVcpu start(long rip, long rdi, long rsi, long rdx) {
    KvmVcpu vcpu = addVcpu();
    vcpu.sregs(
        vcpu.sregs()
            .longMode(BareMetalImage.PML4_GPA)
            .withTables(
                new KvmTable(BareMetalImage.GDT_GPA, BareMetalImage.GDT_LIMIT),
                new KvmTable(BareMetalImage.IDT_GPA, BareMetalImage.IDT_LIMIT)));
    long rsp = BareMetalImage.stackTopGpa(vcpu.id());
    vcpu.regs(
        new KvmRegs(
            0, 0, 0, rdx, rsi, rdi, rsp, 0, 0, 0, 0, 0, 0, 0, 0, 0, rip, KvmRegs.RFLAGS_RESET));
    vcpu.mpState(MpState.RUNNABLE);
    return vcpu;
  }

  /** Runs until something other than a signal happens; a guest that hangs fails the test. */
  static int runPastSignals(KvmVcpu vcpu) {
    long deadlineNanos = System.nanoTime() + 15_000_000_000L;
    int reason;
    try (RunLimit limit = RunLimit.of(vcpu, deadlineNanos)) {
      do {
        if (System.nanoTime() > deadlineNanos) {
          throw new AssertionError(
              "the guest ran for 15 s: %s %s".formatted(vcpu.exit().describe(), vcpu.regs()));
        }
        limit.entering();
        reason = vcpu.run();
      } while (reason == KvmExit.KVM_EXIT_INTR);
    }
    return reason;
  }

  @Override
  public void close() {
    vcpus.forEach(KvmVcpu::close);
    vm.close();
    kvm.close();
    ram.close();
  }
}

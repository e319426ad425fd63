package dev.here.kvm;

import static dev.here.testkit.X64Code.RAX;
import static dev.here.testkit.X64Code.RBX;
import static dev.here.testkit.X64Code.RCX;
import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.BareMetalImage;
import dev.here.testkit.SelfCheckingGuest;
import dev.here.testkit.X64Code;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class VcpuStateTest {
  private static final long RAM_BYTES = 4 << 20;
  private static final int COUNT_PORT = 0x30;
  private static final int MSR_TSC = 0x10;

  /** Counts in XMM0 alone, with the LAPIC enabled and its timer set to a mode but not started. */
  private static final BareMetalImage COUNTER =
      BareMetalImage.of(
          new X64Code()
              .label("start")
              .move(RBX, 0xfee00000L)
              .move(RAX, 0x1ff)
              .store32(RBX, 0xf0, RAX)
              .move(RAX, 0x20045)
              .store32(RBX, 0x320, RAX)
              .move(RBX, BareMetalImage.FREE_GPA)
              .label("count")
              .bytes(0x0f, 0x11, 0x03) // MOVUPS [RBX], XMM0
              .load(RAX, RBX, 0)
              .addImmediate(RAX, 1)
              .store(RBX, 0, RAX)
              .bytes(0x0f, 0x10, 0x03) // MOVUPS XMM0, [RBX]
              .move(RCX, 0)
              .store(RBX, 0, RCX)
              .out32(COUNT_PORT)
              .jump("count"));

  @BeforeAll
  static void needsKvm() {
    TestVm.assumeKvm();
    TestVm.assume(KvmCapability.KVM_CAP_SPLIT_IRQCHIP);
  }

  private static TestVm vm(long ramBytes) {
    TestVm test = new TestVm(ramBytes);
    test.vm.enableSplitIrqchip(24);
    test.vm.enableExceptionPayload();
    return test.mapRam(0);
  }

  private static VcpuState capture(TestVm test, KvmVcpu vcpu) {
    assertThat(vcpu.completePendingIo()).isEqualTo(KvmExit.KVM_EXIT_INTR);
    try (MsrBatch msrs = MsrBatch.of(test.kvm.msrIndices())) {
      return VcpuState.capture(vcpu, msrs, true);
    }
  }

  private static int nextCount(KvmVcpu vcpu) {
    assertThat(TestVm.runPastSignals(vcpu))
        .as(vcpu.exit().describe())
        .isEqualTo(KvmExit.KVM_EXIT_IO);
    assertThat(vcpu.exit().ioPort()).isEqualTo(COUNT_PORT);
    return vcpu.exit().ioData(0);
  }

  @Test
  void allStateIsEqualInAFreshVmAndTheGuestGoesOn() {
    try (TestVm first = vm(RAM_BYTES);
        TestVm second = vm(RAM_BYTES)) {
      COUNTER.writeTo(first.memory());
      KvmVcpu vcpu = first.start(COUNTER.gpa("start"), 0, 0, 0);
      vcpu.debugRegs(new DebugRegs(0x1000, 0x2000, 0x3000, 0x4000, 0xffff0ff0L, 0x400));
      for (int i = 1; i <= 5; i++) {
        assertThat(nextCount(vcpu)).isEqualTo(i);
      }
      VcpuState state = capture(first, vcpu);
      second.memory().copyFrom(first.memory());
      KvmVcpu copy = second.vm.createVcpu(0);
      second.vcpus.add(copy);
      state.apply(copy);
      assertThat(state.differences(capture(second, copy), MSR_TSC)).isEmpty();
      assertThat(nextCount(copy)).isEqualTo(6);
      assertThat(nextCount(copy)).isEqualTo(7);
    }
  }

  @Test
  void differencesAreNamed() {
    try (TestVm test = vm(RAM_BYTES)) {
      COUNTER.writeTo(test.memory());
      KvmVcpu vcpu = test.start(COUNTER.gpa("start"), 0, 0, 0);
      VcpuState before = capture(test, vcpu);
      assertThat(nextCount(vcpu)).isEqualTo(1);
      List<String> differences = before.differences(capture(test, vcpu), MSR_TSC);
      assertThat(differences).anyMatch(line -> line.startsWith("regs:"));
      assertThat(differences).anyMatch(line -> line.startsWith("xsave:"));
      assertThat(differences).anyMatch(line -> line.startsWith("lapic:"));
      assertThat(differences).noneMatch(line -> line.startsWith("cpuid:"));
    }
  }

  @Test
  void tscOffsetAndClockAreSet() {
    try (TestVm test = vm(RAM_BYTES)) {
      KvmVcpu vcpu = test.addVcpu();
      assertThat(vcpu.tscKhz()).isPositive();
      test.vm.clock(KvmClock.at(1_000_000_000_000L));
      assertThat(test.vm.clock().nanos()).isGreaterThanOrEqualTo(1_000_000_000_000L);
      Assumptions.assumeTrue(vcpu.hasTscOffset(), "this KVM has no KVM_VCPU_TSC_OFFSET");
      vcpu.tscOffset(-123_456_789);
      Assumptions.assumeTrue(vcpu.tscOffset() != 0, "this KVM keeps the TSC offset at 0");
      assertThat(vcpu.tscOffset()).isEqualTo(-123_456_789);
    }
  }

  @Test
  void refusedMsrsAreReportedAndTheOthersRead() {
    try (TestVm test = vm(RAM_BYTES);
        MsrBatch batch = MsrBatch.of(0x277, 0x12345678, MSR_TSC)) {
      KvmVcpu vcpu = test.addVcpu();
      assertThat(vcpu.readMsrs(batch)).isEqualTo(2);
      assertThat(batch.failedIndices()).containsExactly(0x12345678);
      assertThat(batch.values()).containsOnlyKeys(0x277, MSR_TSC);
    }
  }

  @Test
  void selfCheckingGuestMovesFromVmToVm() {
    SelfCheckingGuest guest = SelfCheckingGuest.of(1, 64 * 4096, 256, 11, 10);
    TestVm from = vm(guest.ramBytes());
    try {
      guest.writeTo(from.memory());
      SelfCheckingGuest.Start start = guest.start(0);
      KvmVcpu vcpu = from.start(start.rip(), start.rdi(), 0, 0);
      List<Integer> numbers = new ArrayList<>();
      for (int move = 0; move < 5; move++) {
        for (int i = 0; i < 3; i++) {
          assertThat(TestVm.runPastSignals(vcpu))
              .as(vcpu.exit().describe())
              .isEqualTo(KvmExit.KVM_EXIT_IO);
          assertThat(vcpu.exit().ioPort()).isEqualTo(SelfCheckingGuest.numberPort(0));
          numbers.add(vcpu.exit().ioData(0));
        }
        VcpuState state = capture(from, vcpu);
        assertThat(guest.verify(from.memory())).isEmpty();
        TestVm to = vm(guest.ramBytes());
        to.memory().copyFrom(from.memory());
        from.close();
        from = to;
        vcpu = to.vm.createVcpu(0);
        to.vcpus.add(vcpu);
        state.apply(vcpu);
      }
      assertThat(numbers).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      assertThat(guest.generation(from.memory(), 0)).isEqualTo(15);
    } finally {
      from.close();
    }
  }

  @Test
  void selfCheckingGuestFindsAWrongWordAndStops() {
    SelfCheckingGuest guest = SelfCheckingGuest.of(1, 16 * 4096, 64, 12, 0);
    try (TestVm test = vm(guest.ramBytes())) {
      guest.writeTo(test.memory());
      KvmVcpu vcpu = test.start(guest.start(0).rip(), guest.start(0).rdi(), 0, 0);
      assertThat(TestVm.runPastSignals(vcpu))
          .as(vcpu.exit().describe())
          .isEqualTo(KvmExit.KVM_EXIT_IO);
      long gpa = guest.ramBytes() - 4096;
      test.memory().set(java.lang.foreign.ValueLayout.JAVA_BYTE, gpa, (byte) 0x5a);
      assertThat(guest.verify(test.memory())).hasSize(1);
      assertThat(TestVm.runPastSignals(vcpu))
          .as(vcpu.exit().describe())
          .isEqualTo(KvmExit.KVM_EXIT_IO);
      assertThat(vcpu.exit().ioPort()).isEqualTo(SelfCheckingGuest.ERROR_PORT);
      assertThat(vcpu.exit().ioData(0)).isEqualTo(1);
      assertThat(guest.verify(test.memory()).getFirst())
          .contains("reports error 1 at gpa 0x%x".formatted(gpa));
    }
  }
}

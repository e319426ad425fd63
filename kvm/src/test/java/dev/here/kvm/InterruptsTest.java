package dev.here.kvm;

import static dev.here.testkit.X64Code.RAX;
import static dev.here.testkit.X64Code.RBX;
import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.EventFd;
import dev.here.testkit.BareMetalImage;
import dev.here.testkit.X64Code;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Interrupts with LAPICs in KVM and everything else outside. */
class InterruptsTest {
  private static final long RAM_BYTES = 4 << 20;
  private static final int PINS = 24;
  private static final int TIMER = 0x40;
  private static final int MSI = 0x50;
  private static final int EXT_INT = 0x60;
  private static final int READY_PORT = 0x20;
  private static final int EVENT_PORT = 0x24;
  private static final long LAPIC = 0xfee00000L;
  private static final int SVR = 0xf0;
  private static final int EOI = 0xb0;
  private static final int LVT_TIMER = 0x320;
  private static final int LVT_LINT0 = 0x350;
  private static final int TIMER_COUNT = 0x380;
  private static final int TIMER_DIVIDE = 0x3e0;

  private static final BareMetalImage GUEST = guest();

  @BeforeAll
  static void needsKvm() {
    TestVm.assumeKvm();
    TestVm.assume(KvmCapability.KVM_CAP_SPLIT_IRQCHIP);
  }

  /** Each handler writes its vector to the port of that number. */
  private static BareMetalImage guest() {
    X64Code code = new X64Code();
    code.label("timer").move(RBX, LAPIC);
    write(code, SVR, 0x1ff);
    write(code, TIMER_DIVIDE, 0xb);
    write(code, LVT_TIMER, TIMER);
    write(code, TIMER_COUNT, 100_000);
    code.enableInterrupts().jump("idle");
    code.label("wait").move(RBX, LAPIC);
    write(code, SVR, 0x1ff);
    write(code, LVT_LINT0, 0x700);
    code.enableInterrupts().outByte(READY_PORT);
    code.label("idle").halt().jump("idle");
    code.label("spin").move(RBX, LAPIC);
    // LVT entries stay masked while the LAPIC is off in its spurious vector register.
    write(code, SVR, 0x1ff);
    write(code, LVT_LINT0, 0x700);
    code.enableInterrupts().label("spinning").pause().jump("spinning");
    code.label("event").move(RAX, 7).out32(EVENT_PORT).outByte(READY_PORT).halt();
    handler(code, TIMER, true);
    handler(code, MSI, true);
    handler(code, EXT_INT, false);
    return BareMetalImage.of(
        code, Map.of(TIMER, "handler" + TIMER, MSI, "handler" + MSI, EXT_INT, "handler" + EXT_INT));
  }

  private static void write(X64Code code, int register, int value) {
    code.move(RAX, value).store32(RBX, register, RAX);
  }

  private static void handler(X64Code code, int vector, boolean endOfInterrupt) {
    code.label("handler" + vector);
    if (endOfInterrupt) {
      write(code, EOI, 0);
    }
    code.outByte(vector).interruptReturn();
  }

  private static TestVm vm() {
    TestVm test = new TestVm(RAM_BYTES);
    test.vm.enableSplitIrqchip(PINS);
    test.vm.enableX2apicApi();
    GUEST.writeTo(test.memory());
    return test.mapRam(0);
  }

  private static int port(KvmVcpu vcpu) {
    assertThat(TestVm.runPastSignals(vcpu))
        .as(vcpu.exit().describe())
        .isEqualTo(KvmExit.KVM_EXIT_IO);
    return vcpu.exit().ioPort();
  }

  @Test
  void lapicTimerReachesTheGuest() {
    try (TestVm test = vm()) {
      KvmVcpu vcpu = test.start(GUEST.gpa("timer"), 0, 0, 0);
      assertThat(port(vcpu)).isEqualTo(TIMER);
    }
  }

  @Test
  void msiReachesTheGuest() {
    try (TestVm test = vm()) {
      KvmVcpu vcpu = test.start(GUEST.gpa("wait"), 0, 0, 0);
      assertThat(port(vcpu)).isEqualTo(READY_PORT);
      for (int i = 0; i < 10; i++) {
        assertThat(test.vm.signalMsi(LAPIC, MSI)).isTrue();
        assertThat(port(vcpu)).isEqualTo(MSI);
      }
      assertThat(test.vm.signalMsi(LAPIC | 5 << 12, MSI)).isFalse();
    }
  }

  @Test
  void irqfdReachesTheGuestThroughTheRouting() {
    try (TestVm test = vm();
        EventFd event = EventFd.create()) {
      KvmVcpu vcpu = test.start(GUEST.gpa("wait"), 0, 0, 0);
      int gsi = PINS + 3;
      test.vm.routing(new GsiRouting().msi(2, LAPIC, TIMER).msi(gsi, LAPIC, MSI));
      test.vm.connectIrqfd(event, gsi);
      assertThat(port(vcpu)).isEqualTo(READY_PORT);
      event.signal();
      assertThat(port(vcpu)).isEqualTo(MSI);
      test.vm.disconnectIrqfd(event, gsi);
    }
  }

  @Test
  void ioeventfdTakesTheWriteWithoutAnExit() {
    try (TestVm test = vm();
        EventFd event = EventFd.create();
        EventFd other = EventFd.create()) {
      test.vm.ioeventfd(IoEvent.port(EVENT_PORT, 4).matching(7), event, true);
      test.vm.ioeventfd(IoEvent.port(EVENT_PORT, 4).matching(8), other, true);
      KvmVcpu vcpu = test.start(GUEST.gpa("event"), 0, 0, 0);
      assertThat(port(vcpu)).isEqualTo(READY_PORT);
      assertThat(event.drain()).isEqualTo(1);
      assertThat(other.drain()).isZero();
      test.vm.ioeventfd(IoEvent.port(EVENT_PORT, 4).matching(7), event, false);
      vcpu.regs(KvmRegs.startingAt(GUEST.gpa("event")));
      assertThat(port(vcpu)).isEqualTo(EVENT_PORT);
      assertThat(vcpu.exit().ioData(0)).isEqualTo(7);
    }
  }

  @Test
  void externalInterruptComesAtTheWindow() {
    try (TestVm test = vm()) {
      KvmVcpu vcpu = test.start(GUEST.gpa("spin"), 0, 0, 0);
      assertThat(vcpu.exit().readyForInterruptInjection()).isFalse();
      vcpu.exit().requestInterruptWindow(true);
      assertThat(TestVm.runPastSignals(vcpu)).isEqualTo(KvmExit.KVM_EXIT_IRQ_WINDOW_OPEN);
      assertThat(vcpu.exit().readyForInterruptInjection()).isTrue();
      assertThat(vcpu.exit().interruptFlag()).isTrue();
      vcpu.exit().requestInterruptWindow(false);
      vcpu.interrupt(EXT_INT);
      assertThat(port(vcpu)).isEqualTo(EXT_INT);
    }
  }
}

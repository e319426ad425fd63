package dev.here.vmm;

import static dev.here.testkit.X64Code.RAX;
import static dev.here.testkit.X64Code.RBX;
import static dev.here.testkit.X64Code.RDI;
import static org.assertj.core.api.Assertions.assertThat;

import dev.here.kvm.Kvm;
import dev.here.machine.DescriptorTable;
import dev.here.machine.DirtySet;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.RunState;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import dev.here.testkit.BareMetalImage;
import dev.here.testkit.SampleMachine;
import dev.here.testkit.X64Code;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class MachineTest {
  private static final long RAM_BYTES = 8 << 20;
  private static final MemoryMap MAP =
      new MemoryMap(RAM_BYTES, List.of(new MemoryRegion("ram", 0, RAM_BYTES, MemoryKind.RAM, 0)));
  private static final long TICKS = BareMetalImage.FREE_GPA;
  private static final long LEVELS = BareMetalImage.FREE_GPA + 8;
  private static final long EXTERNALS = BareMetalImage.FREE_GPA + 16;
  private static final long COUNTER = BareMetalImage.FREE_GPA + 0x1000;
  private static final int LAPIC_GPA = 0xfee00000;
  private static final int TIMER_VECTOR = 0x40;
  private static final int LEVEL_VECTOR = 0x50;
  private static final int PIC_VECTOR = 0x28;

  /**
   * vCPU 0 sleeps and counts its LAPIC timer's interrupts, those of I/O APIC input 20 and of the
   * 8259; vCPU 1 counts in a register and keeps a copy in memory.
   */
  private static final BareMetalImage IMAGE =
      BareMetalImage.of(
          new X64Code()
              .label("sleeper")
              .move(RBX, Integer.toUnsignedLong(LAPIC_GPA))
              .move(RAX, 0x1ff)
              .store32(RBX, 0xf0, RAX)
              .move(RAX, 0x700)
              .store32(RBX, 0x350, RAX)
              .move(RAX, 0xb)
              .store32(RBX, 0x3e0, RAX)
              .move(RAX, 0x20000 | TIMER_VECTOR)
              .store32(RBX, 0x320, RAX)
              .move(RAX, 1_000_000)
              .store32(RBX, 0x380, RAX)
              .enableInterrupts()
              .label("sleep")
              .halt()
              .jump("sleep")
              .label("tick")
              .increment(RDI, 0)
              .label("end")
              .push(RAX)
              .move(RAX, 0)
              .store32(RBX, 0xb0, RAX)
              .pop(RAX)
              .interruptReturn()
              .label("level")
              .increment(RDI, 8)
              .push(RAX)
              .move(RAX, 0)
              .outByte(0x80)
              .pop(RAX)
              .jump("end")
              .label("external")
              .increment(RDI, 16)
              .interruptReturn()
              .label("counter")
              .addImmediate(RAX, 1)
              .store(RDI, 0, RAX)
              .outByte(0x81)
              .jump("counter"),
          Map.of(TIMER_VECTOR, "tick", LEVEL_VECTOR, "level", PIC_VECTOR, "external"));

  @BeforeAll
  static void needsKvm() {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
  }

  private static final class Run implements AutoCloseable {
    final GuestBacking backing = new GuestBacking(RAM_BYTES);
    final Machine machine;
    Optional<BareDevices> devices = Optional.empty();

    Run(Kvm kvm) {
      machine = new Machine(kvm, backing, MAP, List.of(0, 1));
    }

    void load(MachineState state) {
      machine.load(
          state,
          (given, sockets) -> {
            BareDevices made = new BareDevices(given, sockets);
            devices = Optional.of(made);
            return made;
          },
          0);
    }

    long read(long gpa) {
      return backing.memory().get(ValueLayout.JAVA_LONG, gpa);
    }

    @Override
    public void close() {
      machine.close();
      backing.close();
    }
  }

  private static MachineState booted(Run run) {
    IMAGE.writeTo(run.backing.memory());
    List<VcpuState> vcpus = new ArrayList<>();
    vcpus.add(entering(run.machine.powerOnVcpu(0), "sleeper", TICKS));
    vcpus.add(entering(run.machine.powerOnVcpu(1), "counter", COUNTER));
    MachineState sample = SampleMachine.state(1, 2, (int) (RAM_BYTES / 4096));
    return new MachineState(
        MachineState.VERSION,
        sample.platform(),
        MAP,
        vcpus,
        Pic.powerOn(),
        IoApic.powerOn(0, 24),
        sample.pit(),
        sample.rtc(),
        sample.hpet(),
        sample.acpiPm(),
        sample.pci(),
        sample.virtio(),
        sample.isa(),
        new dev.here.machine.ClockState(run.machine.tscKhz(), 0, 0, 0));
  }

  private static VcpuState entering(VcpuState reset, String label, long rdi) {
    SystemRegisters s =
        BootEntry.longMode(0, 0, 0, BareMetalImage.PML4_GPA, BareMetalImage.GDT_GPA).system();
    long rsp = BareMetalImage.stackTopGpa(reset.apicId());
    GeneralRegisters general =
        new GeneralRegisters(
            0, 0, 0, 0, 0, rdi, rsp, 0, 0, 0, 0, 0, 0, 0, 0, 0, IMAGE.gpa(label), 2);
    SystemRegisters system =
        new SystemRegisters(
            segment(s.cs(), BareMetalImage.CODE_SELECTOR),
            segment(s.ds(), BareMetalImage.DATA_SELECTOR),
            segment(s.es(), BareMetalImage.DATA_SELECTOR),
            segment(s.fs(), BareMetalImage.DATA_SELECTOR),
            segment(s.gs(), BareMetalImage.DATA_SELECTOR),
            segment(s.ss(), BareMetalImage.DATA_SELECTOR),
            s.tr(),
            s.ldt(),
            new DescriptorTable(BareMetalImage.GDT_GPA, BareMetalImage.GDT_LIMIT),
            new DescriptorTable(BareMetalImage.IDT_GPA, BareMetalImage.IDT_LIMIT),
            s.cr0(),
            s.cr2(),
            s.cr3(),
            s.cr4(),
            s.cr8(),
            s.efer(),
            reset.system().apicBase());
    return new VcpuState(
        reset.apicId(),
        RunState.RUNNABLE,
        general,
        system,
        reset.xsave(),
        reset.xcr0(),
        reset.msrs(),
        reset.lapic(),
        reset.events(),
        reset.debug(),
        reset.cpuid());
  }

  private static dev.here.machine.Segment segment(dev.here.machine.Segment s, int selector) {
    return new dev.here.machine.Segment(
        selector,
        s.base(),
        s.limit(),
        s.type(),
        s.dpl(),
        s.codeOrData(),
        s.present(),
        s.available(),
        s.longMode(),
        s.defaultBig(),
        s.granularity(),
        s.unusable());
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      Thread.onSpinWait();
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Test
  void guestGoesOnInAnotherMachineWhereItWasSaved() {
    try (Kvm kvm = Kvm.open()) {
      MachineState state;
      byte[] memory;
      long ticks;
      try (Run first = new Run(kvm)) {
        first.load(booted(first));
        first.machine.resume();
        await("timer", () -> first.read(TICKS) > 3 && first.read(COUNTER) > 10);
        first.machine.pause();
        long standing = first.read(COUNTER);
        state = first.machine.save();
        memory = first.backing.memory().toArray(ValueLayout.JAVA_BYTE);
        ticks = first.read(TICKS);
        assertThat(first.read(COUNTER)).isEqualTo(standing);
        assertThat(standing)
            .isBetween(
                state.vcpus().get(1).general().rax() - 1, state.vcpus().get(1).general().rax());
      }
      try (Run second = new Run(kvm)) {
        second.backing.memory().copyFrom(MemorySegment.ofArray(memory));
        second.machine.tryVcpus(state);
        second.load(state);
        long counter = second.read(COUNTER);
        second.machine.resume();
        await("timer", () -> second.read(TICKS) > ticks + 3);
        await("counter", () -> second.read(COUNTER) > counter + 10);
        second.machine.pause();
        assertThat(second.machine.save().vcpus().get(1).general().rax())
            .isGreaterThan(state.vcpus().get(1).general().rax());
      }
    }
  }

  @Test
  void levelTriggeredInputSendsAgainAfterEachEnd() {
    try (Kvm kvm = Kvm.open();
        Run run = new Run(kvm)) {
      run.load(booted(run));
      BareDevices devices = run.devices.orElseThrow();
      devices.ioApic().write(0, 4, 0x10 + 2 * 20);
      devices.ioApic().write(0x10, 4, 0x8000 | LEVEL_VECTOR);
      InterruptLine line = devices.interrupts.line(20);
      run.machine.resume();
      await("guest", () -> run.read(TICKS) > 0);
      line.set(true);
      await("three ends", () -> run.read(LEVELS) >= 3);
      line.set(false);
      run.machine.pause();
    }
  }

  @Test
  void interruptOf8259ReachesTheBootProcessor() {
    try (Kvm kvm = Kvm.open();
        Run run = new Run(kvm)) {
      run.load(booted(run));
      BareDevices devices = run.devices.orElseThrow();
      for (int[] access :
          new int[][] {{0x20, 0x11}, {0x21, 0x28}, {0x21, 4}, {0x21, 3}, {0x21, 0xfe}}) {
        devices.pic().write(access[0], 1, access[1]);
      }
      InterruptLine line = devices.interrupts.line(0);
      run.machine.resume();
      await("guest", () -> run.read(TICKS) > 0);
      for (int round = 1; round <= 5; round++) {
        long wanted = round;
        line.set(true);
        await("interrupt", () -> run.read(EXTERNALS) >= wanted);
        line.set(false);
      }
      run.machine.pause();
      assertThat(run.read(EXTERNALS)).isEqualTo(5);
    }
  }

  @Test
  void dirtyPagesAreThoseWritten() {
    try (Kvm kvm = Kvm.open();
        Arena arena = Arena.ofConfined();
        Run run = new Run(kvm)) {
      run.load(booted(run));
      run.machine.track(true);
      run.machine.resume();
      await("counter", () -> run.read(COUNTER) > 10);
      run.machine.pause();
      run.machine.memory().putU8(0x200000, 1);
      DirtySet dirty = new DirtySet(arena, MAP.pageCount());
      run.machine.takeDirty(dirty);
      assertThat(dirty.contains((int) (COUNTER / 4096))).isTrue();
      assertThat(dirty.contains(0x200)).isTrue();
      assertThat(dirty.count()).isLessThan(10);
      dirty.clear();
      run.machine.takeDirty(dirty);
      assertThat(dirty.count()).isZero();
      run.machine.resume();
      long before = run.read(COUNTER);
      await("counter", () -> run.read(COUNTER) > before);
      run.machine.pause();
      run.machine.takeDirty(dirty);
      assertThat(dirty.contains((int) (COUNTER / 4096))).isTrue();
    }
  }
}

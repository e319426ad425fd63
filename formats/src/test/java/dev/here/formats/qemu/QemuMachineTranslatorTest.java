package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.state.BothWays;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.IoApicState;
import dev.here.machine.MachineState;
import dev.here.machine.Msr;
import dev.here.machine.PciRole;
import dev.here.machine.RunState;
import dev.here.machine.VcpuState;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioQueue;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** States that QEMU wrote under KVM, against what its monitor said of the same stopped machine. */
class QemuMachineTranslatorTest {
  private static QemuMachineTranslator.Translation translate(String name) throws IOException {
    MigrationStream stream = Golden.read(Golden.stream(name));
    QemuGuestFacts facts = GoldenFacts.of(name, 2);
    var layout = QemuMemoryLayout.of(stream.ramBlocks(), facts.addresses());
    return new QemuMachineTranslator(facts, layout)
        .translate(Golden.state(stream), GoldenFacts.INSTANT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"kvm-2cpu", "kvm-2cpu-nodefaults"})
  void registersAreWhatTheMonitorShows(String name) throws IOException {
    MachineState machine = translate(name).state();
    String[] shown = Golden.text(name + ".registers").split("CPU#[0-9]", -1);
    for (int i = 0; i < 2; i++) {
      VcpuState vcpu = machine.vcpus().get(i);
      String text = shown[i + 1];
      GeneralRegisters r = vcpu.general();
      assertThat(r.rax()).isEqualTo(hex(text, "RAX"));
      assertThat(r.rbx()).isEqualTo(hex(text, "RBX"));
      assertThat(r.rcx()).isEqualTo(hex(text, "RCX"));
      assertThat(r.rdx()).isEqualTo(hex(text, "RDX"));
      assertThat(r.rsi()).isEqualTo(hex(text, "RSI"));
      assertThat(r.rdi()).isEqualTo(hex(text, "RDI"));
      assertThat(r.rsp()).isEqualTo(hex(text, "RSP"));
      assertThat(r.rbp()).isEqualTo(hex(text, "RBP"));
      assertThat(r.r8()).isEqualTo(hex(text, "R8 "));
      assertThat(r.r15()).isEqualTo(hex(text, "R15"));
      assertThat(r.rip()).isEqualTo(hex(text, "RIP"));
      assertThat(r.rflags()).isEqualTo(hex(text, "RFL"));
      assertThat(vcpu.system().cr0()).isEqualTo(hex(text, "CR0"));
      assertThat(vcpu.system().cr3()).isEqualTo(hex(text, "CR3"));
      assertThat(vcpu.system().cr4()).isEqualTo(hex(text, "CR4"));
      assertThat(vcpu.system().efer()).isEqualTo(hex(text, "EFER"));
      assertThat(vcpu.system().gdt().base()).isEqualTo(hex(text, "GDT"));
      Matcher gs = Pattern.compile("GS =([0-9a-f]{4}) ([0-9a-f]{16})").matcher(text);
      assertThat(gs.find()).isTrue();
      assertThat(vcpu.system().gs().base()).isEqualTo(Long.parseUnsignedLong(gs.group(2), 16));
      assertThat(vcpu.xsave().u16(0)).isEqualTo((int) hex(text, "FCW"));
      assertThat(vcpu.xsave().u32(24)).isEqualTo(hex(text, "MXCSR"));
      Matcher xmm = Pattern.compile("XMM01=([0-9a-f]{16}) ([0-9a-f]{16})").matcher(text);
      assertThat(xmm.find()).isTrue();
      assertThat(vcpu.xsave().u64(184)).isEqualTo(Long.parseUnsignedLong(xmm.group(1), 16));
      assertThat(vcpu.xsave().u64(176)).isEqualTo(Long.parseUnsignedLong(xmm.group(2), 16));
      assertThat(vcpu.runState())
          .isEqualTo(text.contains("HLT=1") ? RunState.HALTED : RunState.RUNNABLE);
    }
  }

  private static long hex(String text, String name) {
    Matcher match = Pattern.compile(Pattern.quote(name) + "= *([0-9a-f]+)").matcher(text);
    assertThat(match.find()).as(name).isTrue();
    return Long.parseUnsignedLong(match.group(1), 16);
  }

  @ParameterizedTest
  @ValueSource(strings = {"kvm-2cpu", "kvm-2cpu-nodefaults"})
  void interruptControllersAreWhatTheMonitorShows(String name) throws IOException {
    MachineState machine = translate(name).state();
    String text = Golden.text(name + ".pic");
    IoApicState ioApic = machine.ioApic();
    Matcher pin = Pattern.compile("pin ([0-9]+) +0x([0-9a-f]{16})").matcher(text);
    int pins = 0;
    while (pin.find()) {
      assertThat(ioApic.redirections().get(Integer.parseInt(pin.group(1))))
          .isEqualTo(Long.parseUnsignedLong(pin.group(2), 16));
      pins++;
    }
    assertThat(pins).isEqualTo(24);
    assertThat(ioApic.version()).isEqualTo(0x11);
    Matcher chip =
        Pattern.compile(
                "pic([01]): irr=(..) imr=(..) isr=(..) hprio=. irq_base=(..) rr_sel=. elcr=(..)")
            .matcher(text);
    while (chip.find()) {
      var state = chip.group(1).equals("0") ? machine.pic().master() : machine.pic().slave();
      assertThat(state.irr()).isEqualTo(Integer.parseInt(chip.group(2), 16));
      assertThat(state.imr()).isEqualTo(Integer.parseInt(chip.group(3), 16));
      assertThat(state.isr()).isEqualTo(Integer.parseInt(chip.group(4), 16));
      assertThat(state.vectorBase()).isEqualTo(Integer.parseInt(chip.group(5), 16));
      assertThat(state.levelTriggered()).isEqualTo(Integer.parseInt(chip.group(6), 16));
    }
  }

  @Test
  void vcpusKeepTheirParavirtualRegistersAndOneClock() throws IOException {
    MachineState machine = translate("kvm-2cpu").state();
    VcpuState first = machine.vcpus().get(0);
    VcpuState second = machine.vcpus().get(1);

    assertThat(machine.clock().tscKhz()).isEqualTo(2_596_139);
    assertThat(machine.clock().kvmClockNanos()).isPositive();
    assertThat(msr(first, 0x10)).isEqualTo(msr(second, 0x10));
    assertThat(msr(first, 0x4b564d01) & 1).isEqualTo(1);
    assertThat(msr(first, 0x4b564d01)).isNotEqualTo(msr(second, 0x4b564d01));
    assertThat(msr(first, 0x4b564d03) & 1).isEqualTo(1);
    assertThat(msr(first, 0x4b564d02)).isZero();
    // The guest's physical addresses have 40 bits (CPUID 80000008h: 3028h).
    assertThat(msr(first, 0x201)).isEqualTo(0xff80000800L);
    assertThat(first.msrs())
        .extracting(Msr::index)
        .isSortedAccordingTo(Integer::compareUnsigned)
        .doesNotHaveDuplicates();
    // x2APIC mode: the id register is the whole id.
    assertThat(second.system().apicBase() & 0xd00).isEqualTo(0xc00);
    assertThat(second.lapic().registers().u32(0x20)).isEqualTo(1);
    assertThat(second.lapic().registers().u32(0x320)).isEqualTo(0xec);
    assertThat(second.lapic().registers().u32(0x390)).isEqualTo(1);
  }

  private static long msr(VcpuState vcpu, int index) {
    return vcpu.msrs().stream()
        .filter(msr -> msr.index() == index)
        .findFirst()
        .orElseThrow()
        .value();
  }

  @Test
  void pciAndVirtioAreWhereTheGuestFoundThem() throws IOException {
    MachineState machine = translate("kvm-2cpu").state();

    assertThat(machine.pci().functions())
        .extracting(function -> function.role())
        .containsExactly(
            PciRole.HOST_BRIDGE,
            PciRole.ISA_BRIDGE,
            PciRole.IDE,
            PciRole.ACPI_PM,
            PciRole.VGA,
            PciRole.VIRTIO,
            PciRole.VIRTIO);
    VirtioDevice net = machine.virtio().get(0);
    VirtioDevice block = machine.virtio().get(1);
    assertThat(net.kind()).isEqualTo(VirtioKind.NET);
    assertThat(net.net().orElseThrow().mac()).hasToString("525400123462");
    assertThat(net.net().orElseThrow().multicastFilter()).hasSize(3);
    assertThat(net.legacyInterface()).isTrue();
    assertThat(net.modernInterface()).isTrue();
    assertThat(net.status()).isEqualTo(15);
    assertThat(net.queues()).allMatch(VirtioQueue::enabled).hasSize(3);
    assertThat(block.kind()).isEqualTo(VirtioKind.BLOCK);
    assertThat(block.deviceConfig().u64(0)).isEqualTo(32768);
    assertThat(block.queues()).extracting(VirtioQueue::msixVector).containsExactly(1, 2);
    VirtioQueue queue = block.queues().get(0);
    assertThat(queue.driverGpa()).isEqualTo(queue.descriptorGpa() + 4096);
    assertThat(queue.usedIndex()).isEqualTo(queue.nextAvailable());
    assertThat(machine.pci().functions().get(6).msix().orElseThrow().entries()).hasSize(3);
  }

  @Test
  void timesAreRelativeToTheCapture() throws IOException {
    MachineState machine = translate("kvm-2cpu").state();

    assertThat(machine.pit().channels().get(0).nanosSinceLoad()).isPositive();
    assertThat(machine.pit().channels().get(0).interruptDisabled()).isTrue();
    assertThat(machine.hpet().orElseThrow().config()).isEqualTo(3);
    assertThat(machine.hpet().orElseThrow().capabilities()).isEqualTo(0x9896808086a201L);
    assertThat(machine.rtc().guestSeconds())
        .isBetween(GoldenFacts.SHOWN_SECONDS - 2, GoldenFacts.SHOWN_SECONDS + 2);
    assertThat(machine.rtc().guestNanos()).isPositive();
    assertThat(machine.acpiPm().orElseThrow().pmTimer())
        .isBetween(101L * 3_579_545, 102L * 3_579_545);
    assertThat(machine.acpiPm().orElseThrow().pmBase()).isEqualTo(0x600);
  }

  @Test
  void theReportHoldsOnlyWhatQemuDoesNotSend() throws IOException {
    assertThat(translate("kvm-2cpu").report().lost())
        .extracting(lost -> lost.path())
        .containsExactly("apic/current count", "apic[1]/current count");
  }

  /** Whatever a translation keeps of the state before: every section changes once. */
  @Test
  void aStateAfterAnotherIsTranslatedAsIfItCameAlone() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("kvm-2cpu"));
    VmStateSchema schema = stream.schema().orElseThrow();
    QemuGuestFacts facts = GoldenFacts.of("kvm-2cpu", 2);
    var layout = QemuMemoryLayout.of(stream.ramBlocks(), facts.addresses());
    var following = new QemuMachineTranslator(facts, layout);
    DecodedSections last = DecodedSections.none();
    int translated = 0;
    for (int at = 0; at < stream.deviceState().length; at += 61) {
      byte[] changed = stream.deviceState().clone();
      changed[at] ^= 0x1;
      MachineState alone;
      try {
        alone =
            new QemuMachineTranslator(facts, layout)
                .machine(VmStateReader.read(schema, changed), GoldenFacts.INSTANT);
        last = VmStateReader.readNext(schema, changed, last);
      } catch (QemuStreamException refused) {
        continue;
      }
      assertThat(following.machine(last.state(), GoldenFacts.INSTANT)).isEqualTo(alone);
      translated++;
    }
    assertThat(translated).isGreaterThan(500);
  }

  @Test
  void whatFollowsFromUnchangedSectionsIsKept() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("kvm-2cpu"));
    QemuGuestFacts facts = GoldenFacts.of("kvm-2cpu", 2);
    var layout = QemuMemoryLayout.of(stream.ramBlocks(), facts.addresses());
    var translator = new QemuMachineTranslator(facts, layout);
    VmState state = Golden.state(stream);
    MachineState one = translator.machine(state, GoldenFacts.INSTANT);
    MachineState other = translator.machine(state, GoldenFacts.INSTANT);
    assertThat(other.memory()).isSameAs(one.memory());
    assertThat(other.pci().functions().getFirst()).isSameAs(one.pci().functions().getFirst());
    assertThat(other.virtio().getFirst()).isSameAs(one.virtio().getFirst());
  }

  @Test
  void aDeviceThatCannotBeCarriedIsNamed() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("tcg-virtio"));
    QemuGuestFacts facts = GoldenFacts.of("kvm-2cpu", 2);
    var layout = QemuMemoryLayout.of(stream.ramBlocks(), false);
    var translator = new QemuMachineTranslator(facts, layout);
    VmState state = Golden.state(stream);
    var sections = new java.util.ArrayList<>(state.sections());
    sections.add(
        new VmState.Section("pvpanic", 0, 0, 1, new VmStruct(VmPath.of("pvpanic"), "pvpanic")));

    assertThatThrownBy(() -> translator.translate(new VmState(sections), GoldenFacts.INSTANT))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("'pvpanic'");
    // The second golden guest has other PCI functions than this state.
    assertThatThrownBy(() -> translator.translate(state, GoldenFacts.INSTANT))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("no known size");
  }

  @ParameterizedTest
  @ValueSource(strings = {"kvm-2cpu", "kvm-2cpu-nodefaults"})
  void theStateGoesThroughTheCodec(String name) throws IOException {
    BothWays.agreeOn(translate(name).state());
  }
}

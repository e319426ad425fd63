package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.qemu.GoldenFacts;
import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.formats.qemu.QemuMemoryTree;
import dev.here.formats.qemu.VmStateReader;
import dev.here.machine.CpuidLeaf;
import dev.here.machine.LostField;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.Msr;
import dev.here.machine.Platform;
import dev.here.machine.RunState;
import dev.here.machine.VcpuState;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.testkit.ChangedOctets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class XenMachineTranslatorTest {
  /** 2026-11-23, 12:30:15 UTC and a half. */
  static final QemuCaptureInstant INSTANT =
      new QemuCaptureInstant(1_795_437_015_500_000_000L, 99_000_000_000L);

  static XenGuestFacts facts(String name, int vcpus, boolean hpet) {
    var policy = new ArrayList<XenCpuidLeaf>();
    for (String line : XenGolden.text(name + ".policy.txt").lines().toList()) {
      if (!line.startsWith("#") && !line.startsWith("msr")) {
        String[] words = line.split(" ");
        int[] v = new int[6];
        for (int i = 0; i < 6; i++) {
          v[i] = Integer.parseUnsignedInt(words[i], 16);
        }
        policy.add(new XenCpuidLeaf(v[0], v[1], v[2], v[3], v[4], v[5]));
      }
    }
    return new XenGuestFacts(
        2,
        4,
        17,
        vcpus,
        policy,
        new LibxcRecord.TscInfo(2, 0, 0, 1, 0),
        hpet,
        List.of(
            new XenMemoryRange(0, 0xa0, MemoryKind.RAM),
            new XenMemoryRange(0xc0, 0xff40, MemoryKind.RAM),
            new XenMemoryRange(0xfc000, 0xb, MemoryKind.RAM),
            new XenMemoryRange(0xfc100, 1, MemoryKind.RAM),
            new XenMemoryRange(0xfeff0, 0x10, MemoryKind.RAM)),
        new QemuGuestFacts(
            new Platform("xen-4.17", "pc", name),
            false,
            List.of(),
            0,
            QemuMemoryTree.parse(XenGolden.text(name + ".mtree.txt")),
            functions(name)));
  }

  private static List<QemuGuestFacts.Function> functions(String name) {
    JsonNode answer = JsonMapper.builder().build().readTree(XenGolden.text(name + ".query.json"));
    return GoldenFacts.functions(answer.path("query-pci"));
  }

  private static XenMachineTranslator.Translation translate(String name, int vcpus, boolean hpet) {
    return new XenMachineTranslator(facts(name, vcpus, hpet))
        .translate(
            XenGolden.context(name),
            VmStateReader.readDevices(XenGolden.octets(name + ".dmstate")),
            INSTANT);
  }

  @Test
  void processorIsThatOfTheContext() {
    MachineState state = translate("hvm-1cpu", 1, false).state();
    VcpuState vcpu = state.vcpus().getFirst();
    assertThat(vcpu.runState()).isEqualTo(RunState.RUNNABLE);
    assertThat(vcpu.general().rip()).isEqualTo(0xffffffff81a17a0bL);
    assertThat(vcpu.system().cs().longMode()).isTrue();
    assertThat(vcpu.system().cs().limit()).isEqualTo(0xffffffffL);
    assertThat(vcpu.system().ds().unusable()).isTrue();
    assertThat(vcpu.system().gs().base()).isEqualTo(0xffff88800f400000L);
    assertThat(vcpu.system().cr8()).isEqualTo(1);
    assertThat(vcpu.system().apicBase()).isEqualTo(0xfee00900L);
    assertThat(vcpu.xcr0()).isZero();
    assertThat(vcpu.xsave().length()).isEqualTo(576);
    assertThat(vcpu.xsave().u16(0)).isEqualTo(0x37f);
    assertThat(vcpu.msrs())
        .contains(
            new Msr(0x174, 0x10),
            new Msr(0xc0000081, 0x0023001000000000L),
            new Msr(0x277, 0x7040600070406L),
            new Msr(0x200, 0xf0000000L),
            new Msr(0x202, 0),
            new Msr(0x2ff, 0xc06))
        .anySatisfy(msr -> {
          assertThat(msr.index()).isEqualTo(0x10);
          assertThat(msr.value()).isPositive();
        });
    assertThat(vcpu.lapic().registers().u32(0x390)).isEqualTo(1);
  }

  @Test
  void cpuidIsWhatXenGivesTheVcpu() {
    List<CpuidLeaf> leaves = translate("hvm-2cpu", 2, false).state().vcpus().get(1).cpuid();
    assertThat(leaves)
        .contains(
            new CpuidLeaf(1, 0, false, 0x60fb1, 0x02020800, 0xc2f82203, 0x1fcbfbfd),
            new CpuidLeaf(0x40000000, 0, false, 0x40000005, 0x566e6558, 0x65584d4d, 0x4d4d566e),
            new CpuidLeaf(0x40000001, 0, false, 0x40011, 0, 0, 0),
            new CpuidLeaf(0x40000004, 0, true, 0x5c, 1, 2, 0),
            new CpuidLeaf(0x0b, 0, true, 0, 0, 0, 2));
    assertThat(leaves).noneMatch(leaf -> leaf.leaf() == 0x40000100);
  }

  @Test
  void platformIsXens() {
    MachineState state = translate("hvm-1cpu", 1, false).state();
    assertThat(state.ioApic().pins()).isEqualTo(48);
    assertThat(state.ioApic().version()).isEqualTo(0x11);
    assertThat(state.ioApic().redirections().get(9)).isEqualTo(0x010000000000a821L);
    assertThat(state.pic().master().vectorBase()).isEqualTo(0x30);
    assertThat(state.pic().master().levelTriggered()).isEqualTo(0x20);
    assertThat(state.pic().master().autoEoi()).isTrue();
    assertThat(state.hpet()).isEmpty();
    assertThat(state.acpiPm())
        .hasValueSatisfying(pm -> {
          assertThat(pm.pmBase()).isEqualTo(0xb000);
          assertThat(pm.pmTimerBits()).isEqualTo(32);
          assertThat(pm.pmTimer()).isPositive();
          assertThat(pm.pm1Enable()).isEqualTo(0x20);
          assertThat(pm.pm1Control()).isEqualTo(1);
        });
    assertThat(state.rtc().guestSeconds()).isEqualTo(1_795_437_015L);
    assertThat(state.rtc().guestNanos()).isEqualTo(500_000_000);
    assertThat(state.rtc().cmos().toString()).startsWith("150030001200012311262602");
    assertThat(state.pit().channels().getFirst().accessMode()).isEqualTo(3);
    assertThat(state.clock().tscKhz()).isEqualTo(2_596_159);
    assertThat(state.memory().pageCount()).isEqualTo(65532);
    assertThat(state.memory().regionAt(0xfc100000L).orElseThrow().backingOffset())
        .isEqualTo((0xa0L + 0xff40 + 0xb) * 4096);
  }

  @Test
  void devicesAreTheDeviceModels() {
    MachineState state = translate("hvm-1cpu", 1, false).state();
    assertThat(state.virtio())
        .extracting(VirtioDevice::kind)
        .containsExactly(VirtioKind.NET, VirtioKind.BLOCK);
    assertThat(state.virtio()).allMatch(device -> device.status() == 0x0f);
    assertThat(state.pci().functions())
        .extracting(function -> function.address().toString())
        .containsExactly("00:00.0", "00:01.0", "00:01.1", "00:01.3", "00:02.0", "00:03.0");
    assertThat(state.isa().serials()).hasSize(1);
    assertThat(state.isa().debugExitPort()).contains(0x500);
  }

  @Test
  void everyLossIsNamed() {
    List<LostField> lost = translate("hvm-1cpu", 1, false).report().lost();
    assertThat(lost)
        .extracting(LostField::path)
        .containsExactlyInAnyOrder(
            "LAPIC_REGS 0/current count",
            "LAPIC 0/bus clock",
            "MTRR 0/variable",
            "PIT/channel 0/phase",
            "PIT/channel 2/phase");
    assertThat(lost).allMatch(field -> !field.reason().isBlank());
  }

  @ParameterizedTest
  @ValueSource(strings = {"hvm-1cpu", "hvm-2cpu"})
  void thereAndBackTheContextIsTheSame(String name) {
    HvmContext golden = XenGolden.context(name);
    int vcpus = golden.all(HvmLapic.class).size();
    MachineState state = translate(name, vcpus, true).state();
    HvmContext back = HvmContextTranslator.translate(state).context();
    Set<HvmRecordType> changed = new HashSet<>();
    assertThat(back.records()).hasSameSizeAs(golden.records());
    for (int i = 0; i < golden.records().size(); i++) {
      if (!golden.records().get(i).equals(back.records().get(i))) {
        changed.add(golden.records().get(i).type());
      }
    }
    // The clock shows the instant's time, and of the variable MTRRs Xen told only the first.
    assertThat(changed).containsExactlyInAnyOrder(HvmRecordType.RTC, HvmRecordType.MTRR);
    assertThat(back.require(HvmRtc.class, 0).rtcOffset())
        .isEqualTo(golden.require(HvmRtc.class, 0).rtcOffset());
    assertThat(HvmContext.decode(back.encode())).isEqualTo(back);
  }

  @Test
  void refusals() {
    assertThatThrownBy(() -> translate("hvm-2cpu", 1, false))
        .hasMessageContaining("more than the 1");
    assertThatThrownBy(() -> translate("hvm-1cpu", 2, false)).hasMessageContaining("Lapic 1");
    assertThatThrownBy(() -> facts("hvm-1cpu", 9, false)).hasMessageContaining("9 vCPUs");
    var records = new ArrayList<>(XenGolden.context("hvm-1cpu").records());
    records.add(new HvmViridianDomain(0, 1, 0x8100, 0, 0));
    assertThatThrownBy(() ->
            new XenMachineTranslator(facts("hvm-1cpu", 1, false))
                .translate(
                    new HvmContext(records),
                    VmStateReader.readDevices(XenGolden.octets("hvm-1cpu.dmstate")),
                    INSTANT))
        .isInstanceOf(XenFormatException.class)
        .hasMessageContaining("Hyper-V");
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12})
  void changedOctetsGiveAResultOrARefusal(long seed) {
    var random = new SplittableRandom(seed);
    byte[] context = XenGolden.octets("hvm-2cpu.hvmctx");
    byte[] devices = XenGolden.octets("hvm-2cpu.dmstate");
    var translator = new XenMachineTranslator(facts("hvm-2cpu", 2, true));
    int refused = 0;
    for (int round = 0; round < XenFuzz.ROUNDS; round++) {
      try {
        var translation =
            translator.translate(
                HvmContext.decode(ChangedOctets.of(context, random)),
                VmStateReader.readDevices(ChangedOctets.of(devices, random)),
                INSTANT);
        HvmContextTranslator.translate(translation.state());
      } catch (XenFormatException | dev.here.formats.qemu.QemuStreamException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused with seed %d", seed).isPositive();
  }
}

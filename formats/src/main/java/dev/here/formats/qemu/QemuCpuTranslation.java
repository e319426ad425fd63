package dev.here.formats.qemu;

import dev.here.machine.DebugRegisters;
import dev.here.machine.DescriptorTable;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.PendingEvents;
import dev.here.machine.RunState;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import java.util.List;
import java.util.Optional;

/**
 * One vCPU from its sections {@code cpu}, {@code cpu_common} and {@code apic}. Facts: QEMU 7.2's
 * target/i386/cpu.h (flag bits), machine.c and kvm/kvm.c (what KVM's state becomes).
 */
final class QemuCpuTranslation {
  /** Order of env.segs. */
  private static final int ES = 0;

  private static final int CS = 1;
  private static final int SS = 2;
  private static final int DS = 3;
  private static final int FS = 4;
  private static final int GS = 5;

  private static final int HF_INHIBIT_IRQ = 1 << 3;
  private static final int HF_SMM = 1 << 19;
  private static final int HF_GUEST = 1 << 21;
  private static final int HF2_NMI = 1 << 2;

  private final VmState state;
  private final QemuGuestFacts facts;
  private final Losses losses;
  private final long virtualNanos;

  QemuCpuTranslation(VmState state, QemuGuestFacts facts, Losses losses, long virtualNanos) {
    this.state = state;
    this.facts = facts;
    this.losses = losses;
    this.virtualNanos = virtualNanos;
  }

  /**
   * The time-stamp counter of all vCPUs. QEMU reads them one after the other when the guest has
   * stopped, while they run on; in the guest they run in step. The latest reading serves all, so
   * that none goes back. Counters further apart than {@code tscKhz} makes a second differ for the
   * guest too and are kept.
   */
  private Optional<Long> commonTsc(long tscKhz) {
    long least = Long.MAX_VALUE;
    long most = Long.MIN_VALUE;
    for (int i = 0; i < facts.vcpus().size(); i++) {
      long tsc = state.require("cpu", i).number("env.tsc");
      least = Math.min(least, tsc);
      most = Math.max(most, tsc);
    }
    return least >= 0 && most - least < 1000 * tscKhz ? Optional.of(most) : Optional.empty();
  }

  /** The vCPU of a CPU index. */
  VcpuState vcpu(int index, long tscKhz) {
    QemuGuestFacts.Vcpu vcpu = facts.vcpus().get(index);
    VmStruct cpu = state.require("cpu", index);
    VmStruct apic = state.require("apic", vcpu.apicId());
    refuseNested(cpu);
    return new VcpuState(
        vcpu.apicId(),
        runState(cpu, apic, state.require("cpu_common", index)),
        general(cpu),
        system(cpu, apic),
        new QemuXsave(cpu, vcpu, facts.kvm()).image(),
        cpu.number("env.xcr0"),
        QemuMsrs.of(cpu, commonTsc(tscKhz), physicalBits(vcpu)),
        new QemuApicTranslation(apic, losses, virtualNanos).lapic(vcpu.apicId()),
        events(cpu),
        debug(cpu),
        vcpu.cpuid());
  }

  /** Width of the guest's physical addresses: CPUID 80000008h, EAX, low octet; else 36. */
  private static int physicalBits(QemuGuestFacts.Vcpu vcpu) {
    int bits =
        vcpu.cpuid().stream()
            .filter(leaf -> leaf.leaf() == 0x80000008)
            .findFirst()
            .map(leaf -> leaf.eax() & 0xff)
            .orElse(36);
    if (bits < 32 || bits > 52) {
      throw new QemuStreamException(
          -1, "CPUID 80000008h gives physical addresses of " + bits + " bits, not 32 to 52");
    }
    return bits;
  }

  private static void refuseNested(VmStruct cpu) {
    if ((cpu.number("env.hflags") & HF_GUEST) != 0) {
      throw new QemuStreamException(
          -1, cpu.path() + " runs a nested guest, which can't be carried: stop it first");
    }
  }

  private static RunState runState(VmStruct cpu, VmStruct apic, VmStruct common) {
    boolean waitsForSipi =
        apic.subsection("apic_sipi").filter(sipi -> sipi.flag("wait_for_sipi")).isPresent();
    return switch (cpu.number("env.mp_state", 0, 4)) {
      case 1 -> RunState.UNINITIALIZED;
      case 2 -> RunState.INIT_RECEIVED;
      case 3 -> RunState.HALTED;
      case 4 -> RunState.SIPI_RECEIVED;
      default ->
          waitsForSipi
              ? RunState.INIT_RECEIVED
              : common.flag("halted") ? RunState.HALTED : RunState.RUNNABLE;
    };
  }

  private static GeneralRegisters general(VmStruct cpu) {
    // QEMU's order is the encoding's: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi.
    long[] r = cpu.numbers("env.regs", 16);
    return new GeneralRegisters(
        r[0],
        r[3],
        r[1],
        r[2],
        r[6],
        r[7],
        r[4],
        r[5],
        r[8],
        r[9],
        r[10],
        r[11],
        r[12],
        r[13],
        r[14],
        r[15],
        cpu.number("env.eip"),
        cpu.number("env.eflags"));
  }

  private static SystemRegisters system(VmStruct cpu, VmStruct apic) {
    List<VmStruct> segments = cpu.structs("env.segs", 6);
    return new SystemRegisters(
        segment(segments.get(CS)),
        segment(segments.get(DS)),
        segment(segments.get(ES)),
        segment(segments.get(FS)),
        segment(segments.get(GS)),
        segment(segments.get(SS)),
        segment(cpu.struct("env.tr")),
        segment(cpu.struct("env.ldt")),
        table(cpu.struct("env.gdt")),
        table(cpu.struct("env.idt")),
        cpu.number("env.cr[0]"),
        cpu.number("env.cr[2]"),
        cpu.number("env.cr[3]"),
        cpu.number("env.cr[4]"),
        apic.number("tpr", 0, 255) >> 4,
        cpu.number("env.efer"),
        apic.number("apicbase"));
  }

  /** The flags are the high half of the segment's descriptor. */
  private static Segment segment(VmStruct segment) {
    int flags = (int) segment.number("flags");
    boolean present = bit(flags, 15);
    return new Segment(
        segment.number("selector", 0, 0xffff),
        segment.number("base"),
        segment.number("limit"),
        flags >> 8 & 15,
        flags >> 13 & 3,
        bit(flags, 12),
        present,
        bit(flags, 20),
        bit(flags, 21),
        bit(flags, 22),
        bit(flags, 23),
        !present);
  }

  private static DescriptorTable table(VmStruct table) {
    return new DescriptorTable(table.number("base"), table.number("limit", 0, 0xffff));
  }

  private static boolean bit(int value, int bit) {
    return (value >> bit & 1) != 0;
  }

  private static DebugRegisters debug(VmStruct cpu) {
    long[] dr = cpu.numbers("env.dr", 8);
    return new DebugRegisters(dr[0], dr[1], dr[2], dr[3], dr[6], dr[7]);
  }

  private PendingEvents events(VmStruct cpu) {
    int flags = (int) cpu.number("env.hflags");
    int interrupt = cpu.number("env.interrupt_injected", -1, 255);
    int exception = cpu.number("env.exception_nr", -1, 31);
    Optional<VmStruct> details = cpu.subsection("cpu/exception_info");
    boolean pending = details.filter(info -> info.flag("env.exception_pending")).isPresent();
    boolean payload = details.filter(info -> info.flag("env.exception_has_payload")).isPresent();
    boolean hasCode = cpu.flag("env.has_error_code") && exception >= 0;
    if (hasCode) {
      losses.add(
          cpu.path("env.error_code"),
          0,
          "QEMU does not send the error code of an exception under delivery; it becomes 0");
    }
    return new PendingEvents(
        exception >= 0 && !pending,
        Math.max(exception, 0),
        hasCode,
        0,
        pending,
        payload,
        details.map(info -> info.number("env.exception_payload")).orElse(0L),
        interrupt >= 0,
        Math.max(interrupt, 0),
        cpu.flag("env.soft_interrupt"),
        (flags & HF_INHIBIT_IRQ) != 0 ? 1 : 0,
        cpu.flag("env.nmi_injected"),
        cpu.flag("env.nmi_pending"),
        (cpu.number("env.hflags2") & HF2_NMI) != 0,
        cpu.number("env.sipi_vector", 0, 255),
        (flags & HF_SMM) != 0);
  }
}

package dev.here.vmm;

import dev.here.kvm.Kvm;
import dev.here.kvm.KvmVcpu;
import dev.here.kvm.MsrBatch;
import dev.here.machine.CpuidLeaf;
import dev.here.machine.Msr;
import dev.here.machine.VcpuState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A vCPU's model-specific registers. The TSC is written first, since the paravirtual clock and the
 * deadline are reckoned from it; the deadline after the LAPIC has its timer mode; KVM's own
 * registers (0x4b564d00 on, and the two old clock registers) last, because writing them makes KVM
 * write guest memory from the clocks that stand by then.
 */
final class MsrTransfer {
  private static final Logger LOG = LoggerFactory.getLogger(MsrTransfer.class);
  private static final int TSC = 0x10;
  private static final int TSC_DEADLINE = 0x6e0;
  private static final int SYSENTER_ESP = 0x175;
  private static final int SYSENTER_EIP = 0x176;
  private static final int MCG_CAP = 0x179;
  private static final int MCG_BANK_COUNT_MASK = 0xff;
  private static final int FIRST_BANK = 0x400;
  private static final int BANK_REGISTERS = 4;
  private static final int FIRST_VARIABLE_MTRR = 0x200;
  private static final int LAST_VARIABLE_MTRR = 0x21f;
  private static final int VENDOR = 0;

  /** The middle of "AuthenticAMD" and of "HygonGenuine", as CPUID's leaf 0 has it in EDX. */
  private static final Set<Integer> AMD_COMPATIBLE = Set.of(0x69746e65, 0x6e65476e);

  private static final int ADDRESS_SIZES = 0x80000008;
  private static final int KVM_WALL_CLOCK = 0x11;

  /**
   * KVM lists Hyper-V's synthetic registers for every guest. Those that HERE carries have none of
   * them, and one counts on its own (HV_X64_MSR_VP_RUNTIME).
   */
  private static final int HYPER_V_FIRST = 0x40000000;

  private static final int HYPER_V_LAST = 0x40000fff;
  private static final int KVM_SYSTEM_TIME = 0x12;
  private static final int KVM_WALL_CLOCK_NEW = 0x4b564d00;
  private static final int KVM_FIRST = 0x4b564d00;
  private static final int KVM_LAST = 0x4b564dff;

  /**
   * What a host may refuse without harm: read-only identification that CPUID or the microcode
   * decides (microcode revision, platform information, architectural capabilities, core
   * capabilities, machine-check capability, SMI count), written by nobody but the hypervisor.
   */
  private static final Set<Integer> HARMLESS =
      Set.of(0x8b, 0xce, 0x10a, 0xcf, 0x179, 0x34, 0xc0010015, 0xc001001f, 0xc0011029);

  /**
   * What KVM keeps for every guest but does not name in its list (Linux 6.1; KVM_GET_MSRS reads
   * it): the machine-check capability and the memory types, of which it has eight variable ranges.
   */
  private static final int[] UNLISTED = {
    MCG_CAP, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209, 0x20a, 0x20b,
    0x20c, 0x20d, 0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d,
    0x26e, 0x26f, 0x2ff
  };

  private final int[] saved;

  MsrTransfer(Kvm kvm) {
    int[] indices =
        IntStream.concat(Arrays.stream(kvm.msrIndices()), Arrays.stream(UNLISTED))
            .distinct()
            .filter(index -> index != KVM_WALL_CLOCK_NEW && index != KVM_WALL_CLOCK)
            .filter(index -> index < HYPER_V_FIRST || index > HYPER_V_LAST)
            .toArray();
    this.saved =
        Arrays.stream(indices)
            .boxed()
            .sorted(Integer::compareUnsigned)
            .mapToInt(Integer::intValue)
            .toArray();
  }

  /** All registers that this host keeps for a guest, by rising unsigned index. */
  List<Msr> save(KvmVcpu vcpu) {
    List<Msr> msrs = read(vcpu, saved);
    msrs.stream()
        .filter(msr -> msr.index() == MCG_CAP)
        .findFirst()
        .ifPresent(capability -> msrs.addAll(reportedErrors(vcpu, capability.value())));
    msrs.sort((one, other) -> Integer.compareUnsigned(one.index(), other.index()));
    return msrs;
  }

  private static List<Msr> read(KvmVcpu vcpu, int[] indices) {
    try (MsrBatch batch = MsrBatch.of(indices)) {
      vcpu.readMsrs(batch);
      List<Msr> msrs = new ArrayList<>(batch.size());
      for (int at = 0; at < batch.size(); at++) {
        if (!batch.failed(at)) {
          msrs.add(new Msr(batch.index(at), batch.value(at)));
        }
      }
      return msrs;
    }
  }

  /**
   * The machine-check banks, as far as they differ from what {@link KvmVcpu#machineCheck} makes
   * them: everything enabled, nothing reported.
   */
  private static List<Msr> reportedErrors(KvmVcpu vcpu, long capability) {
    int count = BANK_REGISTERS * (int) (capability & MCG_BANK_COUNT_MASK);
    List<Msr> banks = read(vcpu, IntStream.range(FIRST_BANK, FIRST_BANK + count).toArray());
    banks.removeIf(
        msr -> msr.value() == ((msr.index() - FIRST_BANK) % BANK_REGISTERS == 0 ? -1 : 0));
    return banks;
  }

  /**
   * Writes them all.
   *
   * @throws VmmException naming the registers that the host refuses, unless their value is that of
   *     reset or they are harmless
   */
  void load(KvmVcpu vcpu, VcpuState state, long tscTicks) {
    List<Msr> ordered = new ArrayList<>(state.msrs());
    ordered.removeIf(msr -> msr.index() == KVM_WALL_CLOCK_NEW || msr.index() == KVM_WALL_CLOCK);
    ordered.sort(Comparator.comparingInt(MsrTransfer::stage));
    int[] indices = ordered.stream().mapToInt(Msr::index).toArray();
    Widths widths = Widths.of(state);
    try (MsrBatch batch = MsrBatch.of(indices)) {
      for (int at = 0; at < indices.length; at++) {
        long value = ordered.get(at).value();
        if (indices[at] == MCG_CAP) {
          vcpu.machineCheck(value);
        }
        if (indices[at] == TSC) {
          value += tscTicks;
        } else {
          value = widths.loaded(indices[at], value);
        }
        batch.value(at, value);
      }
      vcpu.writeMsrs(batch);
      refuseFailures(batch, state.apicId());
    }
  }

  /** Whether a host may have another value than the guest's source had. */
  static boolean harmless(int index) {
    return HARMLESS.contains(index);
  }

  /** The value that is written for a register of {@code state}; the TSC apart. */
  static long loaded(Msr msr, VcpuState state) {
    return Widths.of(state).loaded(msr.index(), msr.value());
  }

  /**
   * How many bits the guest's processors have of some registers. A source may have set more.
   *
   * @param physicalMask bits of an address; those above in the masks of variable MTRRs mean the
   *     same on any processor
   * @param sysenterMask bits of SYSENTER's stack and instruction pointers: AMD's processors, which
   *     have the instruction in 32-bit modes only, keep 32 (APM volume 2, 6.1.2)
   */
  private record Widths(long physicalMask, long sysenterMask) {
    static Widths of(VcpuState state) {
      long physical = -1;
      long sysenter = -1;
      for (CpuidLeaf leaf : state.cpuid()) {
        if (leaf.leaf() == ADDRESS_SIZES) {
          physical = (1L << Math.clamp(leaf.eax() & 0xff, 32, 52)) - 1;
        } else if (leaf.leaf() == VENDOR && AMD_COMPATIBLE.contains(leaf.edx())) {
          sysenter = 0xffffffffL;
        }
      }
      return new Widths(physical, sysenter);
    }

    long loaded(int index, long value) {
      if (index == SYSENTER_ESP || index == SYSENTER_EIP) {
        return value & sysenterMask;
      }
      return variableMtrr(index) ? value & physicalMask : value;
    }
  }

  private static boolean variableMtrr(int index) {
    return index >= FIRST_VARIABLE_MTRR && index <= LAST_VARIABLE_MTRR;
  }

  private static int stage(Msr msr) {
    int index = msr.index();
    if (index == TSC) {
      return 0;
    }
    if (index == TSC_DEADLINE) {
      return 2;
    }
    boolean paravirtual =
        index == KVM_SYSTEM_TIME
            || Integer.compareUnsigned(index, KVM_FIRST) >= 0
                && Integer.compareUnsigned(index, KVM_LAST) <= 0;
    return paravirtual ? 3 : 1;
  }

  private static void refuseFailures(MsrBatch batch, int apicId) {
    List<String> refused = new ArrayList<>();
    for (int at = 0; at < batch.size(); at++) {
      if (batch.failed(at)) {
        String text = "0x%x = 0x%x".formatted(batch.index(at), batch.value(at));
        if (batch.value(at) == 0 || HARMLESS.contains(batch.index(at))) {
          LOG.debug("vCPU {}: this host has no MSR {}, harmless", apicId, text);
        } else {
          refused.add(text);
        }
      }
    }
    if (!refused.isEmpty()) {
      throw new VmmException(
          "vCPU %d: this host refuses MSR %s: use hosts whose processors offer the same features"
              .formatted(apicId, String.join(", ", refused)));
    }
  }
}

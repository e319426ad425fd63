package dev.here.vmm;

import dev.here.kvm.Kvm;
import dev.here.machine.ClockState;
import dev.here.machine.DescriptorTable;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.Platform;
import dev.here.machine.RunState;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The machine state in which a program without operating system begins: the small PC at power-on,
 * every vCPU running in 64-bit mode of ring 0 with paging on and interrupts off. Program, page
 * tables and descriptor tables are the caller's to put into memory.
 */
public final class BareMetalStart {
  private BareMetalStart() {}

  /**
   * Tables that all vCPUs share.
   *
   * @param pageTablesGpa PML4, for CR3
   * @param codeSelector 64-bit code segment of the GDT
   * @param dataSelector data segment of the GDT
   */
  public record Tables(
      long pageTablesGpa,
      long gdtGpa,
      int gdtLimit,
      long idtGpa,
      int idtLimit,
      int codeSelector,
      int dataSelector) {}

  /**
   * Where one vCPU begins.
   *
   * @param rdi argument in RDI
   */
  public record Entry(long rip, long rsp, long rdi) {}

  /**
   * Makes the state, with the processors that this host's KVM offers.
   *
   * @param entries one for each vCPU
   * @throws dev.here.kvm.UnsupportedKvmException when KVM cannot be used here
   */
  public static MachineState state(
      String name, MemoryMap memory, Tables tables, List<Entry> entries) {
    List<Integer> apicIds = IntStream.range(0, entries.size()).boxed().toList();
    try (Kvm kvm = Kvm.open();
        GuestBacking backing = new GuestBacking(memory.backingSizeBytes());
        Machine machine = new Machine(kvm, backing, memory, apicIds)) {
      List<VcpuState> vcpus = new ArrayList<>();
      for (int at = 0; at < entries.size(); at++) {
        vcpus.add(entering(machine.powerOnVcpu(at), tables, entries.get(at)));
      }
      return PowerOnPlatform.state(
          new Platform("here-vmm-0.1.0", "here-pc", name),
          memory,
          vcpus,
          List.of(),
          Instant.now().getEpochSecond(),
          new ClockState(machine.tscKhz(), 0, 0, 0));
    }
  }

  private static VcpuState entering(VcpuState reset, Tables tables, Entry entry) {
    SystemRegisters s =
        BootEntry.longMode(entry.rip(), 0, entry.rsp(), tables.pageTablesGpa(), tables.gdtGpa())
            .system();
    Segment data = selected(s.ds(), tables.dataSelector());
    return new VcpuState(
        reset.apicId(),
        RunState.RUNNABLE,
        new GeneralRegisters(
            0, 0, 0, 0, 0, entry.rdi(), entry.rsp(), 0, 0, 0, 0, 0, 0, 0, 0, 0, entry.rip(), 2),
        new SystemRegisters(
            selected(s.cs(), tables.codeSelector()),
            data,
            data,
            data,
            data,
            data,
            s.tr(),
            s.ldt(),
            new DescriptorTable(tables.gdtGpa(), tables.gdtLimit()),
            new DescriptorTable(tables.idtGpa(), tables.idtLimit()),
            s.cr0(),
            s.cr2(),
            s.cr3(),
            s.cr4(),
            s.cr8(),
            s.efer(),
            reset.system().apicBase()),
        reset.xsave(),
        reset.xcr0(),
        reset.msrs(),
        reset.lapic(),
        reset.events(),
        reset.debug(),
        reset.cpuid());
  }

  private static Segment selected(Segment s, int selector) {
    return new Segment(
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
}

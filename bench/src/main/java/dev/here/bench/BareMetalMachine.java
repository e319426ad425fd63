package dev.here.bench;

import dev.here.formats.state.MachineStateCodec;
import dev.here.hypervisor.EncodedState;
import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.testkit.BareMetalImage;
import dev.here.vmm.BareMetalStart;
import java.util.List;

/**
 * A machine in which a guest without operating system begins.
 *
 * @param memory one region of RAM from gpa 0 on
 * @param start every vCPU at its entry
 */
record BareMetalMachine(MemoryMap memory, EncodedState start) {
  /** A machine with the tables of {@link BareMetalImage}, a vCPU for each entry. */
  static BareMetalMachine of(String name, long ramBytes, List<BareMetalStart.Entry> entries) {
    MemoryMap memory =
        new MemoryMap(ramBytes, List.of(new MemoryRegion("ram", 0, ramBytes, MemoryKind.RAM, 0)));
    BareMetalStart.Tables tables =
        new BareMetalStart.Tables(
            BareMetalImage.PML4_GPA,
            BareMetalImage.GDT_GPA,
            BareMetalImage.GDT_LIMIT,
            BareMetalImage.IDT_GPA,
            BareMetalImage.IDT_LIMIT,
            BareMetalImage.CODE_SELECTOR,
            BareMetalImage.DATA_SELECTOR);
    MachineState start = BareMetalStart.state(name, memory, tables, entries);
    return new BareMetalMachine(
        memory,
        new EncodedState(Bytes.of(MachineStateCodec.encode(start)), MachineStateCodec::decode));
  }
}

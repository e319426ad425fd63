package dev.here.testkit;

import dev.here.machine.*;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Machine states that are valid but arbitrary, from a seed: for tests of codecs, protocols and
 * fakes.
 */
public final class SampleMachine {
  private final SplittableRandom random;

  private SampleMachine(long seed) {
    random = new SplittableRandom(seed);
  }

  /** A PC with {@code vcpus} processors and {@code ramPages} pages of RAM from address 0. */
  public static MachineState state(long seed, int vcpus, int ramPages) {
    return new SampleMachine(seed).machine(vcpus, ramPages);
  }

  private MachineState machine(int vcpus, int ramPages) {
    long ramBytes = (long) ramPages * MemoryRegion.PAGE_BYTES;
    List<VcpuState> processors = new ArrayList<>();
    for (int id = 0; id < vcpus; id++) {
      processors.add(vcpu(id));
    }
    return new MachineState(
        MachineState.VERSION,
        new Platform("sample-1", "pc-sample", "sample"),
        new MemoryMap(ramBytes, List.of(new MemoryRegion("ram", 0, ramBytes, MemoryKind.RAM, 0))),
        processors,
        new PicState(pic(), pic()),
        new IoApicState(0, 0xfec00000L, 0, 0x20, 0, redirections()),
        new PitState(List.of(pit(), pit(), pit()), false, true),
        new RtcState(octets(128), 10, 1_700_000_000L, random.nextInt(1_000_000_000), -1),
        Optional.empty(),
        Optional.empty(),
        new PciState(0x80000000L, List.of(virtioFunction()), 0),
        List.of(virtioNet()),
        isa(),
        new ClockState(
            2_600_000,
            random.nextLong(1L << 50),
            random.nextLong(1L << 60),
            random.nextLong(1L << 60)));
  }

  private VcpuState vcpu(int apicId) {
    List<Msr> msrs = new ArrayList<>();
    for (int index = 0x10; index < 0x20; index++) {
      msrs.add(new Msr(index, random.nextLong()));
    }
    return new VcpuState(
        apicId,
        RunState.RUNNABLE,
        new GeneralRegisters(
            next(), next(), next(), next(), next(), next(), next(), next(), next(), next(), next(),
            next(), next(), next(), next(), next(), next(), next()),
        system(),
        octets(832),
        7,
        msrs,
        new LapicState(octets(LapicState.REGISTER_BYTES)),
        PendingEvents.NONE,
        new DebugRegisters(next(), next(), next(), next(), next(), next()),
        List.of(new CpuidLeaf(0, 0, false, 13, 0x68747541, 0x444d4163, 0x69746e65)));
  }

  private SystemRegisters system() {
    Segment code =
        new Segment(8, 0, 0xffffffffL, 11, 0, true, true, false, true, false, true, false);
    Segment data =
        new Segment(16, 0, 0xffffffffL, 3, 0, true, true, false, false, true, true, false);
    return new SystemRegisters(
        code,
        data,
        data,
        data,
        data,
        data,
        data,
        data,
        new DescriptorTable(next(), 0x7f),
        new DescriptorTable(next(), 0xfff),
        0x80000031L,
        next(),
        next(),
        0x20,
        0,
        0x500,
        0xfee00900L);
  }

  private PicChip pic() {
    return new PicChip(
        random.nextInt(256),
        random.nextInt(256),
        0,
        0,
        0,
        0xf8,
        0,
        0x30,
        0,
        false,
        false,
        false,
        false,
        false,
        false,
        true);
  }

  private PitChannel pit() {
    return new PitChannel(
        random.nextInt(65537),
        2,
        false,
        3,
        true,
        false,
        false,
        0,
        0,
        0,
        false,
        0,
        random.nextLong(1_000_000_000L),
        false);
  }

  private List<Long> redirections() {
    List<Long> entries = new ArrayList<>();
    for (int pin = 0; pin < 24; pin++) {
      entries.add(0x10000L | random.nextInt(256));
    }
    return entries;
  }

  private PciFunction virtioFunction() {
    return new PciFunction(
        new PciAddress(0, 3, 0),
        PciRole.VIRTIO,
        octets(256),
        List.of(new PciBar(0, true, false, false, 32)),
        Optional.of(
            new MsixState(0x98, List.of(new MsixEntry(0xfee00000L, 0x41, false)), Bytes.zero(1))),
        0);
  }

  private VirtioDevice virtioNet() {
    return new VirtioDevice(
        new PciAddress(0, 3, 0),
        VirtioKind.NET,
        true,
        true,
        next(),
        next(),
        0,
        0,
        0,
        15,
        0,
        0,
        0,
        0,
        false,
        List.of(
            new VirtioQueue(
                0,
                256,
                256,
                true,
                0x10000,
                0x11000,
                0x12000,
                random.nextInt(65536),
                random.nextInt(65536),
                0,
                true,
                true,
                1)),
        List.of(new VirtioRequest(0, 7)),
        octets(12),
        Optional.of(
            new VirtioNetState(
                octets(6),
                1,
                false,
                false,
                false,
                false,
                false,
                false,
                List.of(),
                List.of(octets(6)),
                Bytes.zero(512),
                0,
                1,
                1,
                0)));
  }

  private IsaState isa() {
    return new IsaState(
        List.of(
            new SerialState(
                0x3f8,
                4,
                1,
                0,
                0,
                5,
                0xc1,
                0x81,
                3,
                0xb,
                0x60,
                0xb0,
                0,
                false,
                false,
                octets(3),
                Bytes.EMPTY)),
        List.of(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        2,
        Optional.of(0xf4));
  }

  private long next() {
    return random.nextLong();
  }

  private Bytes octets(int length) {
    byte[] octets = new byte[length];
    random.nextBytes(octets);
    return Bytes.of(octets);
  }
}

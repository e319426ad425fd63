package dev.here.driver.vmm;

import dev.here.formats.state.MachineStateCodec;
import dev.here.hypervisor.EncodedState;
import dev.here.kvm.Kvm;
import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.testkit.BareMetalImage;
import dev.here.testkit.SelfCheckingGuest;
import dev.here.vmm.BareMetalStart;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** A self-checking guest in VMM processes of its own, in a folder of its own. */
final class BareMetalGuest implements AutoCloseable {
  private final Path folder;
  private final List<VmmStandby> started = new ArrayList<>();
  final SelfCheckingGuest guest;
  final MemoryMap memory;
  final MachineState state;

  BareMetalGuest(int vcpus) throws IOException {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
    folder = Files.createTempDirectory("here-driver-vmm");
    guest = SelfCheckingGuest.of(vcpus, 1 << 20, 256, 42, 1000);
    long ramBytes = guest.ramBytes();
    memory =
        new MemoryMap(ramBytes, List.of(new MemoryRegion("ram", 0, ramBytes, MemoryKind.RAM, 0)));
    List<BareMetalStart.Entry> entries = new ArrayList<>();
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
      SelfCheckingGuest.Start start = guest.start(vcpu);
      entries.add(new BareMetalStart.Entry(start.rip(), start.rsp(), start.rdi()));
    }
    state =
        BareMetalStart.state(
            "self-checking",
            memory,
            new BareMetalStart.Tables(
                BareMetalImage.PML4_GPA,
                BareMetalImage.GDT_GPA,
                BareMetalImage.GDT_LIMIT,
                BareMetalImage.IDT_GPA,
                BareMetalImage.IDT_LIMIT,
                BareMetalImage.CODE_SELECTOR,
                BareMetalImage.DATA_SELECTOR),
            entries);
  }

  /** A state as a primary sends it. */
  static EncodedState encoded(MachineState state) {
    return new EncodedState(Bytes.of(MachineStateCodec.encode(state)), MachineStateCodec::decode);
  }

  /** A VMM that nothing was prepared in. */
  VmmStandby standby() {
    return standby(List.of());
  }

  /** A VMM with {@code options} that nothing was prepared in. */
  VmmStandby standby(List<String> options) {
    VmmStandby standby =
        new VmmStandby(
            VmmCommand.ofThisJava(options),
            folder.resolve("vmm-" + started.size()),
            folder.resolve("log"));
    started.add(standby);
    return standby;
  }

  /** A VMM in which the guest begins. */
  VmmStandby running() {
    return running(standby());
  }

  /** The VMM in which the guest begins. */
  VmmStandby running(VmmStandby standby) {
    standby.prepare(memory, guest.vcpus());
    guest.writeTo(standby.memory());
    standby.validate(encoded(state));
    standby.activate(encoded(state));
    return standby;
  }

  /** Waits until each vCPU has gone through its memory {@code generations} times more. */
  void awaitGenerations(MemorySegment ram, int generations) throws InterruptedException {
    for (int vcpu = 0; vcpu < guest.vcpus(); vcpu++) {
      long wanted = guest.generation(ram, vcpu) + generations;
      long deadline = System.nanoTime() + 60_000_000_000L;
      while (guest.generation(ram, vcpu) < wanted) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("vCPU %d stands still: %s".formatted(vcpu, guest.verify(ram)));
        }
        Thread.sleep(2);
      }
    }
  }

  @Override
  public void close() throws IOException {
    for (VmmStandby standby : started) {
      Optional<ProcessHandle> process = standby.process();
      standby.close();
      if (process.isPresent()) {
        process.get().destroyForcibly();
        process.get().onExit().join();
      }
    }
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}

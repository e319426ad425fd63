package dev.here.vmm;

import dev.here.kvm.Kvm;
import dev.here.kvm.KvmCapability;
import dev.here.kvm.KvmVcpu;
import dev.here.kvm.KvmVm;
import dev.here.machine.ClockState;
import dev.here.machine.CpuidLeaf;
import dev.here.machine.DirtySet;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.VcpuState;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One virtual machine: KVM's VM with its memory slots and vCPUs, the buses, and the devices on
 * them. It is made warm (memory and vCPUs, no guest), then takes a state once, then runs.
 *
 * <pre>
 *   WARM --load--> PAUSED --resume--> RUNNING --pause--> PAUSED      any --stopped--> STOPPED
 * </pre>
 *
 * <p>Methods are called by one controlling thread at a time; {@link #end} by any.
 */
final class Machine implements VcpuPlatform, AutoCloseable {
  /** Life of a machine. */
  enum Phase {
    WARM,
    RUNNING,
    PAUSED,
    STOPPED
  }

  /**
   * Why and how a machine stopped.
   *
   * @param reset the guest wants to start again
   * @param off the guest has switched itself off
   */
  record End(boolean reset, boolean off, String reason) {}

  private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

  /** Pages of Intel hosts' own, where no PC has anything: below the BIOS at 4 GiB. */
  private static final long IDENTITY_MAP_GPA = 0xfeffc000L;

  private static final long TSS_GPA = 0xfeffd000L;

  /** More pins than any I/O APIC that is imitated; KVM keeps their routes apart from others. */
  private static final int RESERVED_PINS = 64;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private final Arena arena = Arena.ofShared();
  private final Kvm kvm;
  private final KvmVm vm;
  private final List<KvmVcpu> vcpus = new ArrayList<>();
  private final List<VcpuLoop> loops = new ArrayList<>();
  private final PortBus ports = new PortBus();
  private final MmioBus mmio = new MmioBus();
  private final SystemClock clock = new SystemClock(lock);
  private final GuestMemory memory;
  private final MemorySlots slots;
  private final VcpuStateTransfer transfer;
  private final KvmInterrupts interrupts;
  private final GuestTime time;
  private Optional<MachineDevices> devices = Optional.empty();
  private volatile boolean externalInterrupt;
  private volatile Phase phase = Phase.WARM;
  private Optional<End> end = Optional.empty();

  /**
   * A warm machine.
   *
   * @param kvm stays the caller's
   * @param backing guest memory, stays the caller's and outlives this
   * @param apicIds of the vCPUs, rising
   */
  Machine(Kvm kvm, GuestBacking backing, MemoryMap map, List<Integer> apicIds) {
    this.kvm = kvm;
    this.vm = kvm.createVm();
    this.memory = new GuestMemory(backing.memory(), map, new DirtySet(arena, map.pageCount()));
    this.transfer = new VcpuStateTransfer(kvm);
    this.interrupts = new KvmInterrupts(vm, RESERVED_PINS);
    this.time = new GuestTime(vm);
    try {
      configure(apicIds.getFirst());
      this.slots = new MemorySlots(vm, arena, backing.memory(), map);
      for (int apicId : apicIds) {
        addVcpu(apicId);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void configure(int bootApicId) {
    vm.enableSplitIrqchip(RESERVED_PINS);
    vm.enableX2apicApi();
    if (kvm.supports(KvmCapability.KVM_CAP_EXCEPTION_PAYLOAD)) {
      vm.enableExceptionPayload();
    }
    if (kvm.capability(KvmCapability.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) > 0) {
      vm.enableManualDirtyLog(false);
    }
    if (kvm.supports(KvmCapability.KVM_CAP_SET_TSS_ADDR)) {
      vm.identityMapAddress(IDENTITY_MAP_GPA);
      vm.tssAddress(TSS_GPA);
    }
    vm.bootVcpu(bootApicId);
  }

  private void addVcpu(int apicId) {
    KvmVcpu vcpu = vm.createVcpu(apicId);
    vcpus.add(vcpu);
    loops.add(new VcpuLoop(vcpu, loops.isEmpty(), ports, mmio, lock, this));
  }

  /** APIC ids of the vCPUs, rising. */
  List<Integer> apicIds() {
    return vcpus.stream().map(KvmVcpu::id).toList();
  }

  GuestMemory memory() {
    return memory;
  }

  Phase phase() {
    return phase;
  }

  /** What a vCPU is right after power-on, with the CPUID that this host offers. */
  VcpuState powerOnVcpu(int index) {
    KvmVcpu vcpu = vcpus.get(index);
    vcpu.cpuid(HostCpuid.of(kvm, vcpu.id(), vcpus.size()));
    return transfer.save(vcpu);
  }

  /** The rate of time-stamp counters here, kHz. */
  long tscKhz() {
    return vcpus.getFirst().tscKhz();
  }

  /**
   * Sets the vCPUs of a state on this warm machine and reads them back.
   *
   * @throws VmmException naming what the host has not, refuses or changes
   */
  void tryVcpus(MachineState state) {
    requirePhase(Phase.WARM);
    CpuFeatures.requireOffered(state.vcpus(), offeredCpuid());
    time.begin(state.clock(), 0);
    loadVcpus(state);
    for (int at = 0; at < vcpus.size(); at++) {
      VcpuComparison.requireSame(state.vcpus().get(at), transfer.save(vcpus.get(at)));
    }
  }

  /**
   * Takes a state, with the memory as it stands; the guest is paused afterwards.
   *
   * @param elapsedNanos guest time that passed since the state was captured
   */
  void load(MachineState state, MachineDevices.Factory factory, long elapsedNanos) {
    requirePhase(Phase.WARM);
    long start = System.nanoTime();
    time.begin(state.clock(), elapsedNanos);
    lock.lock();
    try {
      remap(state.memory());
      long mapped = System.nanoTime();
      loadVcpus(state);
      long vcpusLoaded = System.nanoTime();
      MachineDevices made = factory.make(state, sockets());
      devices = Optional.of(made);
      interrupts.follow(made.ioApic());
      phase = Phase.PAUSED;
      LOG.info(
          "state taken: memory map {} us, vCPUs {} us, devices {} us",
          (mapped - start) / 1000,
          (vcpusLoaded - mapped) / 1000,
          (System.nanoTime() - vcpusLoaded) / 1000);
    } finally {
      lock.unlock();
    }
  }

  /**
   * What a guest that boots here is shown: what KVM says that it supports, and what it shows of its
   * own accord (a KVM without hardware below it shows what the processor has).
   */
  private List<CpuidLeaf> offeredCpuid() {
    KvmVcpu vcpu = vcpus.getFirst();
    vcpu.cpuid(HostCpuid.of(kvm, vcpu.id(), vcpus.size()));
    return vcpu.cpuid().stream().map(VcpuStateTransfer::leaf).toList();
  }

  private void loadVcpus(MachineState state) {
    if (!state.vcpus().stream().map(VcpuState::apicId).toList().equals(apicIds())) {
      throw new VmmException(
          "the state has vCPUs %s, this machine was prepared for %s"
              .formatted(state.vcpus().stream().map(VcpuState::apicId).toList(), apicIds()));
    }
    for (int at = 0; at < vcpus.size(); at++) {
      KvmVcpu vcpu = vcpus.get(at);
      time.matchTscRate(kvm, vcpu);
      transfer.load(vcpu, state.vcpus().get(at), time.tscTicksSinceCapture());
    }
  }

  private MachineDevices.Sockets sockets() {
    return new MachineDevices.Sockets(
        lock,
        ports,
        mmio,
        memory,
        clock,
        interrupts,
        this::externalInterrupt,
        this::remap,
        (reset, reason) -> end(new End(reset, !reset, reason)));
  }

  private void remap(MemoryMap map) {
    slots.remap(map);
    memory.remap(map);
  }

  /** The guest goes on; returns how long that took, nanoseconds. */
  long resume() {
    requirePhase(Phase.PAUSED);
    long start = System.nanoTime();
    lock.lock();
    try {
      time.resume(vcpus, clock);
      clock.start();
      phase = Phase.RUNNING;
      devices.orElseThrow().resume();
    } finally {
      lock.unlock();
    }
    loops.forEach(VcpuLoop::run);
    return System.nanoTime() - start;
  }

  /** The guest has come from elsewhere: makes it known on its networks. */
  void announce() {
    lock.lock();
    try {
      devices.orElseThrow().announce();
    } finally {
      lock.unlock();
    }
  }

  /** The guest stands still; returns how long that took, nanoseconds. */
  long pause() {
    requirePhase(Phase.RUNNING);
    long start = System.nanoTime();
    standStill();
    lock.lock();
    try {
      clock.stop();
      devices.orElseThrow().pause();
      time.pause();
      if (phase == Phase.RUNNING) {
        phase = Phase.PAUSED;
      }
    } finally {
      lock.unlock();
    }
    return System.nanoTime() - start;
  }

  private void standStill() {
    loops.forEach(VcpuLoop::park);
    loops.forEach(VcpuLoop::awaitStanding);
  }

  /** The machine's state while it is paused. */
  MachineState save() {
    requirePhase(Phase.PAUSED);
    lock.lock();
    try {
      List<VcpuState> states = new ArrayList<>(vcpus.size());
      for (KvmVcpu vcpu : vcpus) {
        states.add(transfer.save(vcpu));
      }
      ClockState now = time.clockState(tscKhz());
      return devices.orElseThrow().save(memory.map(), states, now);
    } finally {
      lock.unlock();
    }
  }

  /** Turns dirty logging on, with nothing in it, or off. */
  void track(boolean on) {
    lock.lock();
    try {
      slots.logDirtyPages(on);
      memory.deviceWrites().clear();
    } finally {
      lock.unlock();
    }
  }

  /** Adds all pages dirtied since the last call, by vCPUs or devices. */
  void takeDirty(DirtySet into) {
    lock.lock();
    try {
      slots.takeDirty(into);
      into.addAll(memory.deviceWrites());
      memory.deviceWrites().clear();
    } finally {
      lock.unlock();
    }
  }

  /** CPU time that the vCPUs have used, nanoseconds. */
  long executedNanos() {
    return loops.stream().mapToLong(VcpuLoop::cpuNanos).sum();
  }

  /** Whether every vCPU waits for an interrupt. */
  boolean idle() {
    return loops.stream().allMatch(VcpuLoop::sleeping);
  }

  /** Waits until the guest has ended. */
  End awaitEnd() throws InterruptedException {
    lock.lock();
    try {
      while (end.isEmpty()) {
        ended.await();
      }
      return end.get();
    } finally {
      lock.unlock();
    }
  }

  /** How the guest has ended, if it has. */
  Optional<End> end() {
    lock.lock();
    try {
      return end;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int acknowledgeExternalInterrupt() {
    return devices.map(all -> all.pic().acknowledge()).orElse(-1);
  }

  @Override
  public boolean externalInterruptRequested() {
    return externalInterrupt;
  }

  private void externalInterrupt(boolean asserted) {
    boolean rising = asserted && !externalInterrupt;
    externalInterrupt = asserted;
    if (rising) {
      loops.getFirst().kick();
    }
  }

  @Override
  public void endOfInterrupt(int vector) {
    devices.ifPresent(all -> all.ioApic().endOfInterrupt(vector));
  }

  @Override
  public void reset(String reason) {
    end(new End(true, false, reason));
  }

  @Override
  public void stopped(String reason) {
    end(new End(false, false, reason));
  }

  /** The guest ends: vCPUs are asked to stand still, the first reason is kept. */
  private void end(End how) {
    lock.lock();
    try {
      if (end.isEmpty()) {
        LOG.info("the guest ends: {}", how.reason());
        end = Optional.of(how);
        phase = Phase.STOPPED;
        ended.signalAll();
      }
    } finally {
      lock.unlock();
    }
    loops.forEach(VcpuLoop::park);
  }

  private void requirePhase(Phase wanted) {
    if (phase != wanted) {
      String why = end().map(known -> ": " + known.reason()).orElse("");
      throw new VmmException("the machine is %s, not %s%s".formatted(phase, wanted, why));
    }
  }

  @Override
  public void close() {
    loops.forEach(VcpuLoop::end);
    lock.lock();
    try {
      devices.ifPresent(MachineDevices::close);
    } finally {
      lock.unlock();
    }
    clock.close();
    vcpus.forEach(KvmVcpu::close);
    vm.close();
    arena.close();
  }
}

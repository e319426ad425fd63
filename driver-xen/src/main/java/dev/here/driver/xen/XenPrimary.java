package dev.here.driver.xen;

import dev.here.driver.qemu.QemuInventory;
import dev.here.driver.qemu.QmpClient;
import dev.here.ffi.NativeException;
import dev.here.ffi.ProcessStat;
import dev.here.formats.xen.HvmContext;
import dev.here.formats.xen.HvmCpu;
import dev.here.formats.xen.HvmPortAnswer;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EpochBoundary;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.PageSink;
import dev.here.hypervisor.PauseTimes;
import dev.here.hypervisor.Primary;
import dev.here.machine.MemoryMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running HVM domain of a stock Xen as a primary. The hypervisor is asked for dirty frames and
 * its own part of the machine (CPUs, interrupt controllers, timers), the device model for the rest;
 * the domain's memory is mapped once.
 *
 * <p>A checkpoint: pause the domain, until a pause finds no I/O request under way but answered
 * accesses of ports, which are completed in the captured state as Xen completes them in the domain;
 * let the device model stand still ({@link DeviceModel}); take the hypervisor's state, the dirty
 * log and the pages, then the device model's state, which lets it go on; then the domain.
 */
public final class XenPrimary implements Primary {
  private static final Logger LOG = LoggerFactory.getLogger(XenPrimary.class);
  private static final long QUIET_RETRY_NANOS = 200_000;

  /** How long a domain stays paused for an answer of its device model, and how often is looked. */
  private static final long ANSWER_NANOS = 20_000_000;

  private static final long ANSWER_LOOK_NANOS = 50_000;

  /** Seeding ends when a pass found fewer pages than this, or not clearly fewer than the last. */
  private static final int FEW_PAGES = 256;

  private static final int MOST_PASSES = 30;

  private final XenControl control;
  private final ForeignMemory foreign;
  private final XenDomain domain;
  private final DeviceModel model;
  private final DomainMemory memory;
  private final IoRequests requests;
  private final PauseHaste haste;
  private final XenContextTranslation translation;
  private final Duration timeout;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment context;
  private final long domainPages;
  private Optional<DirtyLog> log = Optional.empty();
  private boolean paused;
  private boolean closed;

  /**
   * Maps the domain's memory; the domain is not touched.
   *
   * @param monitor connection to the device model, owned by the caller
   * @param inventory what the device model is made of
   * @param folder of ours, for the device model's state
   * @param timeout for each answer of the device model, and for a stand-still without I/O
   */
  XenPrimary(
      XenControl control,
      XenDomain domain,
      QmpClient monitor,
      QemuInventory inventory,
      Path folder,
      Duration timeout) {
    this.control = control;
    this.domain = domain;
    this.timeout = timeout;
    model = new DeviceModel(monitor, folder, timeout);
    haste = new PauseHaste(domain.modelPid(), monitor.readerTid());
    domainPages = info().pages();
    foreign = new ForeignMemory();
    memory = new DomainMemory(control, foreign, domain.id(), domainPages);
    requests = new IoRequests(foreign, domain.id(), domain.vcpus());
    context = arena.allocate(control.contextBytes(domain.id()), Long.BYTES);
    XenCpuPolicy policy = XenCpuPolicy.of(control, domain.id());
    translation =
        new XenContextTranslation(
            XenFacts.collect(control, domain, policy, memory, monitor, inventory, timeout),
            XenOriginSource.of(control, domain, policy));
  }

  private DomainInfo info() {
    return control
        .domain(domain.id())
        .filter(found -> !found.dying())
        .orElseThrow(() ->
            new HypervisorGoneException(
                "domain %s (%d) does not exist any more".formatted(domain.name(), domain.id())));
  }

  @Override
  public String hypervisor() {
    return "xen-%d.%d".formatted(XenLibraries.MAJOR, XenLibraries.MINOR);
  }

  @Override
  public MemoryMap memoryMap() {
    return memory.map();
  }

  @Override
  public void seed(PageSink sink) {
    if (log.isPresent()) {
      throw new HypervisorException("this protection was seeded before: make a new one");
    }
    DirtyLog fresh = new DirtyLog(control, domain.id(), memory.frames());
    log = Optional.of(fresh);
    model.logWrites(true);
    fresh.clean();
    memory.deliverAll(sink);
    int last = Integer.MAX_VALUE;
    for (int pass = 0; pass < MOST_PASSES; pass++) {
      int found = memory.deliver(fresh.clean(), sink);
      if (found < FEW_PAGES || found > last / 2) {
        return;
      }
      last = found;
    }
  }

  @Override
  public Capture capture(PageSink sink, EpochBoundary boundary) {
    DirtyLog dirty =
        log.orElseThrow(() -> new HypervisorException("a checkpoint needs a seeding first"));
    requireSameMemory();
    haste.begin();
    try {
      return capture(dirty, sink, boundary);
    } finally {
      haste.end();
    }
  }

  private Capture capture(DirtyLog dirty, PageSink sink, EpochBoundary boundary) {
    final long asked = System.nanoTime();
    List<HvmPortAnswer> answers = pauseQuietly();
    try (DeviceModel.Standstill standstill = model.stop()) {
      byte[] vcpus = control.context(domain.id(), context);
      answers.forEach(answer -> answer.completeIn(vcpus));
      standstill.awaitStopped();
      boundary.guestStopped();
      final long stopped = System.nanoTime();
      final long realtime = realtimeNanos();
      MemorySegment written = dirty.clean();
      final long logged = System.nanoTime();
      int pages = memory.deliver(written, sink);
      final long copied = System.nanoTime();
      standstill.end();
      final long saved = System.nanoTime();
      resume();
      final long resumed = System.nanoTime();
      haste.end();
      byte[] devices = standstill.state();
      model.prepare();
      PauseTimes times =
          new PauseTimes(
              stopped - asked, logged - stopped, saved - copied, copied - logged, resumed - saved);
      LOG.debug("{}", times);
      return new Capture(
          times, pages, () -> translation.translate(vcpus, devices, realtime, stopped));
    } catch (HypervisorException | NativeException e) {
      throw failed(e);
    }
  }

  /** What a guest gives back or gets new while it is protected would be mapped wrongly. */
  private void requireSameMemory() {
    long now = info().pages();
    if (now != domainPages) {
      throw new HypervisorException(
          ("the memory of domain %s has changed from %d to %d pages: its size must stay while it is"
                  + " protected (no xl mem-set, no balloon driver)")
              .formatted(domain.name(), domainPages, now));
    }
  }

  /**
   * Returns with the domain paused and nothing under way between it and its device model but
   * answers that need no vCPU to take them.
   */
  private List<HvmPortAnswer> pauseQuietly() {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (true) {
      control.pause(domain.id());
      paused = true;
      IoRequests.UnderWay underWay = answered();
      if (underWay.owed().isEmpty()
          && underWay.hindrance().isEmpty()
          && areSteppedOver(underWay.answers())) {
        return underWay.answers();
      }
      resume();
      if (hasModelEnded()) {
        throw modelEnded();
      }
      if (System.nanoTime() > deadline) {
        throw new HypervisorException(
            "domain %s is never without an I/O request under way (%s): its device model may hang"
                .formatted(domain.name(), underWay));
      }
      LockSupport.parkNanos(QUIET_RETRY_NANOS);
    }
  }

  /** Pauses nest: one that is not ours stays. */
  private void resume() {
    if (paused) {
      paused = false;
      control.unpause(domain.id());
    }
  }

  /** The device model goes on while its domain is paused: what it owes comes soon. */
  private IoRequests.UnderWay answered() {
    IoRequests.UnderWay underWay = requests.look();
    long until = System.nanoTime() + ANSWER_NANOS;
    while (underWay.owed().isPresent() && System.nanoTime() < until) {
      LockSupport.parkNanos(ANSWER_LOOK_NANOS);
      underWay = requests.look();
    }
    return underWay;
  }

  /** Whether the vCPUs that these answers are for stand behind their instructions already. */
  private boolean areSteppedOver(List<HvmPortAnswer> answers) {
    if (answers.isEmpty()) {
      return true;
    }
    HvmContext now = HvmContext.decode(control.context(domain.id(), context));
    return answers.stream()
        .allMatch(answer ->
            now.find(HvmCpu.class, answer.vcpu())
                .filter(cpu -> new GuestCode(memory::word, cpu).isBehindPlainPortAccess())
                .isPresent());
  }

  /** The stand-still's pipe is closed by now, so the device model goes on by itself. */
  private RuntimeException failed(RuntimeException cause) {
    try {
      resume();
    } catch (HypervisorException undoing) {
      cause.addSuppressed(undoing);
    }
    if (hasModelEnded()) {
      HypervisorGoneException gone = modelEnded();
      gone.initCause(cause);
      return gone;
    }
    return cause instanceof HypervisorException
        ? cause
        : new HypervisorException(
            "the device model's state did not come: " + cause.getMessage(), cause);
  }

  private boolean hasModelEnded() {
    return ProcessStat.living(domain.modelPid()).isEmpty();
  }

  /** A domain without its device model never goes on: what is left of it goes too. */
  private HypervisorGoneException modelEnded() {
    try {
      control.destroy(domain.id());
    } catch (HypervisorException e) {
      LOG.debug("the domain is gone already: {}", e.getMessage());
    }
    return new HypervisorGoneException(
        "the device model of domain %s (process %d) has ended"
            .formatted(domain.name(), domain.modelPid()));
  }

  private static long realtimeNanos() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  @Override
  public GuestProgress progress(long timeoutNanos) {
    try {
      GuestProgress progress = DomainProgress.of(control, domain);
      if (progress.alive()) {
        model.requireAnswers(Duration.ofNanos(timeoutNanos));
      }
      return progress;
    } catch (HypervisorException e) {
      return new GuestProgress(false, false, 0, false);
    }
  }

  @Override
  public void kill() {
    LOG.info("ending domain {} ({}) by force", domain.name(), domain.id());
    try {
      control.destroy(domain.id());
    } finally {
      ProcessHandle.of(domain.modelPid()).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      if (log.isPresent() && control.domain(domain.id()).isPresent()) {
        model.logWrites(false);
      }
    } catch (HypervisorException e) {
      LOG.debug("the device model is gone: {}", e.getMessage());
    }
    try {
      log.ifPresent(DirtyLog::close);
    } catch (HypervisorException e) {
      LOG.debug("the domain is gone: {}", e.getMessage());
    }
    model.close();
    requests.close();
    memory.close();
    foreign.close();
    arena.close();
  }
}

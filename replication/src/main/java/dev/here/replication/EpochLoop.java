package dev.here.replication;

import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.wire.Ending;
import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import dev.here.formats.wire.WireException;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EpochBoundary;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.Primary;
import dev.here.machine.MemoryMap;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Protects one guest, on its primary: seeds the standby, then ends epoch after epoch, sends each
 * while the next one runs, and lets its frames go when it is committed. One thread, the loop's,
 * changes anything; others only signal.
 *
 * <pre>
 *   CONNECTING ──standby reached──► SEEDING ──held commit───► PROTECTED
 *       ▲ │                            ▲ ▲                      │   │
 *       └─┘ not reached                │ └──────────┐     link  │   │ switchover
 *                            reached   │    reached │     lost  ▼   ▼
 *                                    ALONE ◄──── RECONNECTING     SWITCHING_OVER ─► SWITCHED_OVER
 *                                        held long enough
 *   any ── unprotect ─► UNPROTECTED      any ── another owner ─► FENCED (or REPLACED, when it is
 *                                               another process of this host)
 *   any ── guest crashed or hung ─► HANDED_OVER (or LOST, when no standby may take over)
 *   any ── cannot go on ─► FAILED (the guest goes on, unprotected)
 * </pre>
 *
 * Frames are held when the first checkpoints are over ({@link FirstCheckpoints}). They leave with
 * their epoch's commit, or when the third party has written down that no standby may take over, so
 * that nothing the outside has seen is ever undone. In a final state with the guest gone ({@code
 * SWITCHED_OVER}, {@code HANDED_OVER}, {@code FENCED}, {@code LOST}) the driver is left for the
 * caller to close; in {@code REPLACED} nothing is to be closed, for all of it is another's.
 */
public final class EpochLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EpochLoop.class);
  private static final long LEASE_POLL_NANOS = 10_000_000;
  private static final int MOST_FAILED_CAPTURES = 3;

  private final Protection protection;
  private final Primary primary;
  private final Dialer dialer;
  private final Handshake handshake;
  private final Lease lease;
  private final FrameOutput output;
  private final TakeOverPermission takeOver;
  private final OutputCommit commit;
  private final IntervalPolicy policy;
  private final ProtectionEvents events;
  private final UUID session = UUID.randomUUID();
  private final LoopSignal signal = new LoopSignal();
  private final ProtectionFigures figures = new ProtectionFigures();
  private final CountDownLatch finished = new CountDownLatch(1);
  private final Thread thread;
  private final MemoryMap memory;
  private final EpochStaging staging;
  private final EpochSender sender;
  private final Heartbeat heartbeat;
  private final AnswerWindow answers;
  private final FirstCheckpoints first = new FirstCheckpoints();

  private Optional<StandbyLink> link = Optional.empty();
  private volatile long epoch;
  private long committedEpoch;
  private boolean seeded;
  private Optional<byte[]> inFlightMachine = Optional.empty();

  /** Staged pages may be in the shadow although the standby never got them. */
  private boolean resendWhole;

  private int failedCaptures;

  /** Why the first of them failed; the others may only be its consequences. */
  private String captureFailure = "";

  private long resumedNanos;

  /** When the last committed epoch's frames had left; before, when the guest went on. */
  private long releasedNanos;

  /** Whether the guest sent frames in the epoch that ended last. */
  private boolean hadFrames;

  /** Since when nothing was committed for want of a standby. */
  private OptionalLong lostNanos = OptionalLong.empty();

  /**
   * Starts nothing yet.
   *
   * @param protection what and how
   * @param primary the guest; closed when the protection ends with the guest here
   * @param dialer reaches the standby; its time-out is best shorter than the hold time
   * @param handshake knows the shared token
   * @param lease ownership of the VM, held; closed by the loop when it gives the VM up
   * @param output the guest's frames
   * @param policy decides the intervals
   * @param events told what happens
   */
  public EpochLoop(
      Protection protection,
      Primary primary,
      Dialer dialer,
      Handshake handshake,
      Lease lease,
      FrameOutput output,
      IntervalPolicy policy,
      ProtectionEvents events) {
    this.protection = protection;
    this.primary = primary;
    this.dialer = dialer;
    this.handshake = handshake;
    this.lease = lease;
    this.output = output;
    this.takeOver = new TakeOverPermission(lease);
    this.commit = new OutputCommit(output, lease, takeOver);
    this.policy = policy;
    this.events = events;
    this.memory = primary.memoryMap();
    this.staging = new EpochStaging(memory.pageCount());
    this.sender = new EpochSender(memory, protection.streams(), protection.shadow());
    this.heartbeat = new Heartbeat(primary, protection, signal, () -> epoch, takeOver::isGiven);
    this.answers = new AnswerWindow(signal, output::hasSent, output::isFilling);
    this.thread =
        Thread.ofPlatform().name("epochs-" + protection.vmName()).daemon().unstarted(this::run);
  }

  /** Begins to protect. Once. */
  public void start() {
    heartbeat.start();
    thread.start();
  }

  /** How it stands. */
  public ProtectionStatus status() {
    return status(output.held());
  }

  private ProtectionStatus status(FrameOutput.Held held) {
    return figures.status(policy.description(), held);
  }

  /** Ends protection; the guest stays here. Returns at once, see {@link #awaitEnd}. */
  public void unprotect() {
    signal.command(LoopSignal.Command.UNPROTECT);
  }

  /** Moves the guest to the standby, planned. Returns at once, see {@link #awaitEnd}. */
  public void switchover() {
    signal.command(LoopSignal.Command.SWITCHOVER);
  }

  /**
   * Waits for the end.
   *
   * @return a final state; another one where the loop itself failed, and nothing was put in order
   */
  public ProtectionState awaitEnd() throws InterruptedException {
    finished.await();
    return figures.state();
  }

  private void run() {
    try {
      enter(ProtectionState.CONNECTING, "");
      while (!figures.state().isFinal()) {
        step();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      enter(ProtectionState.FAILED, "the protection was interrupted");
    } catch (RuntimeException e) {
      LOG.error("the protection of {} cannot be ended in order", protection.vmName(), e);
    } catch (Error e) {
      Halt.because(e);
      throw e;
    } finally {
      try {
        heartbeat.close();
        link.ifPresent(StandbyLink::close);
        sender.close();
        staging.close();
      } finally {
        finished.countDown();
      }
    }
  }

  private void step() throws InterruptedException {
    try {
      if (lease.isLost()) {
        beFenced();
      } else if (signal.lost().isPresent()) {
        handOver();
      } else if (isToEnd()) {
        endHere(ProtectionState.UNPROTECTED, "by command");
      } else {
        stepState();
      }
    } catch (HypervisorGoneException e) {
      LOG.warn("the hypervisor of {} ended: {}", protection.vmName(), e.getMessage());
      signal.lost(Verdict.GUEST_CRASHED);
    } catch (RefusedException e) {
      refused(e);
    } catch (IOException | WireException e) {
      Optional<RefusedException> refusal = link.flatMap(StandbyLink::refusal);
      if (refusal.isPresent()) {
        refused(refusal.get());
      } else {
        linkLost(String.valueOf(e.getMessage()));
      }
    } catch (ReplicationException e) {
      endHere(ProtectionState.FAILED, String.valueOf(e.getMessage()));
    } catch (HypervisorException e) {
      captureFailed(e);
    } catch (RuntimeException e) {
      LOG.error("protection of {} failed", protection.vmName(), e);
      endHere(ProtectionState.FAILED, "internal failure: " + e);
    }
  }

  private void stepState() throws IOException, InterruptedException {
    switch (figures.state()) {
      case CONNECTING -> connect();
      case SEEDING, PROTECTED, SWITCHING_OVER -> checkpoint();
      case RECONNECTING -> reconnect();
      case ALONE -> lookForStandby();
      default -> throw new IllegalStateException("no step in state " + figures.state());
    }
  }

  // ---- reaching the standby

  private void connect() throws IOException, InterruptedException {
    StandbyLink fresh;
    try {
      fresh = dial();
    } catch (IOException | WireException e) {
      enter(ProtectionState.CONNECTING, "the standby is not reached: " + e.getMessage());
      signal.awaitUrgent(System.nanoTime() + protection.retryNanos());
      return;
    }
    use(fresh);
    enter(ProtectionState.SEEDING, "");
    seed(fresh);
  }

  private StandbyLink dial() throws IOException {
    return StandbyLink.connect(
        dialer,
        handshake,
        new Message.Hello(
            protection.vm(),
            session,
            lease.token(),
            protection.vmName(),
            protection.streams(),
            protection.vcpus(),
            memory,
            protection.disks(),
            protection.cards()),
        protection.connectNanos() / 1_000_000);
  }

  private void use(StandbyLink fresh) {
    link = Optional.of(fresh);
    heartbeat.link(link);
  }

  private void seed(StandbyLink standby) throws IOException, InterruptedException {
    try (Seeding seeding = new Seeding(sender, standby, memory.pageCount())) {
      primary.seed(seeding);
      seeded = true;
      figures.seeded(seeding.pages());
      resumedNanos = System.nanoTime();
      releasedNanos = resumedNanos;
      seeding.finish();
    } catch (IOException e) {
      if (!sender.hasShadow()) {
        throw new ReplicationException(
            "the standby was lost while it was seeded; protect the VM again", e);
      }
      throw e;
    }
  }

  private void reconnect() throws IOException, InterruptedException {
    if (System.nanoTime() - lostNanos.orElseThrow() > protection.holdNanos() && openGate()) {
      enter(ProtectionState.ALONE, figures.reason());
      return;
    }
    StandbyLink fresh;
    try {
      fresh = dial();
    } catch (IOException | WireException e) {
      enter(ProtectionState.RECONNECTING, "the standby is not reached: " + e.getMessage());
      signal.awaitUrgent(System.nanoTime() + protection.retryNanos());
      return;
    }
    resume(fresh);
  }

  /** The guest goes on without a standby, once it is certain that none will take it over. */
  private boolean openGate() {
    try {
      commit.open();
      return true;
    } catch (OwnershipException e) {
      enter(
          figures.state(),
          "frames are held, because the witness does not answer: " + e.getMessage());
      return false;
    }
  }

  private void lookForStandby() throws IOException, InterruptedException {
    signal.awaitUrgent(System.nanoTime() + protection.retryNanos());
    StandbyLink fresh;
    try {
      fresh = dial();
    } catch (IOException | WireException e) {
      enter(ProtectionState.ALONE, "the standby is not reached: " + e.getMessage());
      return;
    }
    resume(fresh);
  }

  /** Goes on with a standby that was lost, from what it says that it holds. */
  private void resume(StandbyLink fresh) throws IOException, InterruptedException {
    use(fresh);
    long held = fresh.welcome().committedEpoch();
    boolean inFlight = inFlightMachine.isPresent();
    if (inFlight && held == epoch) {
      commitReached(Optional.empty());
    } else if (held > 0 && held == committedEpoch) {
      if (inFlight) {
        byte[] machine = inFlightMachine.get();
        figures.sent(sender.send(fresh, epoch, staging.pages(), () -> machine, true));
        awaitCommit(fresh);
        commitReached(Optional.empty());
      }
    } else if (held == 0 && sender.hasShadow()) {
      if (!commit.isOpen()) {
        // Filling the standby takes long, and meanwhile nobody can take over.
        openGate();
      }
      sender.seedFromShadow(fresh, staging.pages());
      staging.clear();
      inFlightMachine = Optional.empty();
      committedEpoch = 0;
    } else {
      throw new ReplicationException(
          "the standby holds epoch %d, epoch %d was committed; protect the VM again"
              .formatted(held, committedEpoch));
    }
    resendWhole = staging.pages().count() > 0;
    boolean covered = committedEpoch > 0 && takeOver.isGiven();
    enter(covered ? ProtectionState.PROTECTED : ProtectionState.SEEDING, "the standby is back");
  }

  // ---- epochs

  private boolean isToEnd() {
    return signal.command().equals(Optional.of(LoopSignal.Command.UNPROTECT));
  }

  /** Now: a switchover that comes earlier waits for the protection. */
  private boolean isToBeMoved() {
    return signal.command().equals(Optional.of(LoopSignal.Command.SWITCHOVER))
        && figures.state() == ProtectionState.PROTECTED;
  }

  private void checkpoint() throws IOException, InterruptedException {
    if (isToBeMoved()) {
      enter(ProtectionState.SWITCHING_OVER, "by command");
    } else if (figures.state() != ProtectionState.SWITCHING_OVER) {
      answers.await(resumedNanos, releasedNanos, hadFrames, policy.nextIntervalNanos());
      if (signal.lost().isPresent() || isToEnd() || isToBeMoved()) {
        return;
      }
    }
    StandbyLink standby = link.orElseThrow();
    if (standby.isClosed()) {
      linkLost(standby.reason());
      return;
    }
    if (!seeded) {
      seed(standby);
    }
    EpochMeasure measure = captureAndSend(standby);
    awaitCommit(standby);
    commitReached(Optional.of(measure));
    if (figures.state() == ProtectionState.SWITCHING_OVER) {
      giveUp(Ending.SWITCHOVER, ProtectionState.SWITCHED_OVER, "by command");
    }
  }

  private EpochMeasure captureAndSend(StandbyLink standby)
      throws IOException, InterruptedException {
    long number = epoch + 1;
    long intervalNanos = System.nanoTime() - resumedNanos;
    hadFrames = output.hasSent();
    Capture capture;
    try (var boundary = new Boundary(number)) {
      capture = primary.capture(staging, boundary);
    } finally {
      // Where the capture failed the guest runs on, and the pages stay staged for the next one.
      resumedNanos = System.nanoTime();
    }
    figures.captured(number, capture.pause());
    EpochSender.Sent sent =
        sender.send(
            standby,
            number,
            staging.pages(),
            () -> {
              byte[] machine = MachineStateCodec.encode(capture.machine().get().state());
              inFlightMachine = Optional.of(machine);
              return machine;
            },
            resendWhole);
    figures.sent(sent);
    return new EpochMeasure(
        intervalNanos, capture.pause().pauseNanos(), 0, staging.pages().count());
  }

  /** Between two epochs, what the guest's frames have to do with it. */
  private final class Boundary implements EpochBoundary, AutoCloseable {
    private final long number;
    private boolean inboundHeld;

    Boundary(long number) {
      this.number = number;
    }

    @Override
    public void guestStopping() {
      inboundHeld = true;
      output.holdInbound();
    }

    @Override
    public void guestStopped() {
      epoch = number;
      if (!commit.isOpen() || committedEpoch > 0 && first.areOver()) {
        try {
          commit.boundary(number);
        } catch (ReplicationException e) {
          // Of this checkpoint, not of the protection: the next one tries again.
          throw new HypervisorException(String.valueOf(e.getMessage()), e);
        }
      }
    }

    @Override
    public void guestRuns() {
      close();
    }

    /** Where the capture failed the driver has not said that the guest runs. */
    @Override
    public void close() {
      if (inboundHeld) {
        inboundHeld = false;
        output.passInbound();
      }
    }
  }

  private void awaitCommit(StandbyLink standby) throws IOException, InterruptedException {
    if (!standby.acknowledgements().await(epoch, protection.ackNanos())) {
      standby.fail("epoch %d was not committed in time".formatted(epoch));
      throw new IOException(standby.reason());
    }
  }

  /** The standby has committed the epoch in flight; {@code measure} is empty for one sent again. */
  private void commitReached(Optional<EpochMeasure> measure) throws InterruptedException {
    committedEpoch = epoch;
    inFlightMachine = Optional.empty();
    lostNanos = OptionalLong.empty();
    resendWhole = false;
    failedCaptures = 0;
    staging.clear();
    if (measure.isPresent()) {
      EpochMeasure taken = measure.get();
      long commitNanos =
          link.map(standby -> standby.acknowledgements().arrivedNanos() - resumedNanos).orElse(0L);
      EpochMeasure whole =
          new EpochMeasure(
              taken.intervalNanos(),
              taken.pauseNanos(),
              Math.max(0, commitNanos),
              taken.dirtyPages());
      first.committed(whole.intervalNanos(), whole.commitNanos());
      policy.measured(whole);
      figures.committed(epoch, whole);
    } else {
      figures.recommitted(epoch);
    }
    boolean covered = !commit.isOpen() && release();
    releasedNanos = System.nanoTime();
    FrameOutput.Held held = output.held();
    if (covered && figures.state() != ProtectionState.SWITCHING_OVER) {
      enter(ProtectionState.PROTECTED, textOfLost(held.lost()));
    } else if (commit.isOpen() && !first.areOver()) {
      enter(figures.state(), "the first checkpoints: nothing is held for them yet");
    }
    events.committed(status(held));
  }

  private static String textOfLost(long frames) {
    return frames == 0
        ? ""
        : "%d frames of the guest were dropped, because more waited for a commit than there is room for"
            .formatted(frames);
  }

  /** The epoch's frames leave; returns whether the standby may take over from it. */
  private boolean release() throws InterruptedException {
    while (!commit.committed(epoch)) {
      if (lease.isLost()) {
        return false;
      }
      enter(figures.state(), "frames are held, because the lease is not certain");
      LoopSignal.rest(LEASE_POLL_NANOS);
    }
    try {
      takeOver.allow();
    } catch (OwnershipException e) {
      enter(figures.state(), "the witness does not answer, no failover: " + e.getMessage());
    }
    return takeOver.isGiven();
  }

  // ---- when it does not go well

  private void linkLost(String reason) {
    link.ifPresent(StandbyLink::close);
    link = Optional.empty();
    heartbeat.link(link);
    if (lostNanos.isEmpty()) {
      lostNanos = OptionalLong.of(System.nanoTime());
    }
    LOG.warn("the standby of {} is lost: {}", protection.vmName(), reason);
    ProtectionState next = ProtectionState.RECONNECTING;
    if (!seeded) {
      next = ProtectionState.CONNECTING;
    } else if (commit.isOpen()) {
      next = ProtectionState.ALONE;
    }
    enter(next, "the standby is lost: " + reason);
  }

  /** The guest runs on; what was staged stays for the next attempt. */
  private void captureFailed(HypervisorException failure) throws InterruptedException {
    LOG.warn("a checkpoint of {} failed: {}", protection.vmName(), failure.getMessage());
    inFlightMachine = Optional.empty();
    if (failedCaptures++ == 0) {
      captureFailure = String.valueOf(failure.getMessage());
    }
    if (failedCaptures >= MOST_FAILED_CAPTURES) {
      endHere(ProtectionState.FAILED, "checkpoints fail: " + captureFailure);
    }
  }

  /**
   * Who owns the VM is the third party's to say, and a damaged connection can be made anew: only a
   * guest that the standby cannot carry ends the protection.
   */
  private void refused(RefusedException refusal) throws InterruptedException {
    String reason = "the standby refused: " + refusal.getMessage();
    if (refusal.code() == RefusalCode.UNSUITABLE) {
      endHere(ProtectionState.FAILED, reason);
    } else {
      linkLost(reason);
      signal.awaitUrgent(System.nanoTime() + protection.retryNanos());
    }
  }

  /** Protection ends, the guest goes on here; its frames pass as soon as that is safe. */
  private void endHere(ProtectionState end, String reason) throws InterruptedException {
    while (!openGate()) {
      if (lease.isLost()) {
        beFenced();
        return;
      }
      LoopSignal.rest(LEASE_POLL_NANOS);
    }
    goodbye(Ending.UNPROTECT, reason);
    heartbeat.close();
    primary.close();
    lease.close();
    enter(end, reason);
  }

  private void beFenced() throws InterruptedException {
    if (lease.isReplaced()) {
      enter(
          ProtectionState.REPLACED,
          "another process of this host took this one for dead and owns the VM now");
      return;
    }
    commit.discard();
    if (kill()) {
      enter(ProtectionState.FENCED, "another host owns the VM now");
    } else {
      enter(figures.state(), "another host owns the VM now, and the guest here does not end");
      LoopSignal.rest(protection.retryNanos());
    }
  }

  /**
   * The guest does not run here any more: the standby is to take over, if it may. Where that is not
   * certain the third party's record decides.
   */
  private void handOver() {
    Verdict verdict = signal.lost().orElseThrow();
    boolean hung = verdict == Verdict.GUEST_HUNG;
    String reason = hung ? "the guest hung and was ended" : "the hypervisor ended";
    if (takeOver.isRefused()) {
      commit.discard();
      lease.close();
      goodbye(Ending.UNPROTECT, reason);
      enter(ProtectionState.LOST, reason + " while no standby could take over");
    } else {
      giveUp(hung ? Ending.HUNG : Ending.CRASHED, ProtectionState.HANDED_OVER, reason);
    }
  }

  /** Ends the guest here for certain, gives up the lease, and tells the standby, in this order. */
  private void giveUp(Ending ending, ProtectionState end, String reason) {
    commit.discard();
    heartbeat.guestLost();
    kill();
    lease.close();
    heartbeat.close();
    goodbye(ending, reason);
    enter(end, reason);
  }

  /** Whether the guest has ended. */
  private boolean kill() {
    try {
      primary.kill();
      return true;
    } catch (HypervisorException e) {
      LOG.warn("the guest of {} could not be ended: {}", protection.vmName(), e.getMessage());
      return false;
    }
  }

  private void goodbye(Ending ending, String reason) {
    link.ifPresent(standby -> {
      try {
        standby.goodbye(
            new Message.Goodbye(ending, committedEpoch, reason),
            2 * protection.limits().peerSilentNanos());
      } catch (IOException e) {
        LOG.info("the standby could not be told that {}: {}", reason, e.toString());
      }
    });
  }

  private void enter(ProtectionState state, String reason) {
    if (figures.state(state, reason)) {
      LOG.info("{} is {}{}", protection.vmName(), state, reason.isEmpty() ? "" : ": " + reason);
      events.changed(state, reason);
    }
  }

  /** Ends protection as {@link #unprotect} does and waits for it. */
  @Override
  public void close() {
    unprotect();
    try {
      awaitEnd();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

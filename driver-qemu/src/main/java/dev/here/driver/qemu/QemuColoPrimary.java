package dev.here.driver.qemu;

import dev.here.formats.qemu.ColoMessage;
import dev.here.formats.qemu.ColoStream;
import dev.here.formats.qemu.MigrationStream;
import dev.here.formats.qemu.QemuStreamException;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EpochBoundary;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.PageSink;
import dev.here.hypervisor.PauseTimes;
import dev.here.hypervisor.Primary;
import dev.here.machine.MemoryMap;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running stock QEMU as a primary: HERE plays the secondary of QEMU's COLO
 * (docs/specs/qemu-stream.md, docs/specs/qmp-use.md).
 *
 * <pre>
 *   NEW --seed--> SEEDING --READY sent--> RUNNING --capture--> CHECKPOINT --LOADED sent--> RUNNING
 *                    |                       |                     |
 *                    +------- any failure, or close ---------------+--> ENDED (the guest runs on)
 * </pre>
 *
 * QEMU asks for the next checkpoint soon after the last one ({@link QemuTimerInterval}) and is held
 * there: the guest runs until {@link #capture} grants it.
 */
public final class QemuColoPrimary implements Primary {
  /** The guest still runs for so long, and takes frames for it that passed just before. */
  private static final long DELIVERY_NANOS = 1_000_000;

  private static final Logger LOG = LoggerFactory.getLogger(QemuColoPrimary.class);
  private static final Duration DIAGNOSIS = Duration.ofMillis(500);

  private enum Phase {
    NEW,
    SEEDING,
    RUNNING,
    CHECKPOINT,
    ENDED
  }

  private final QmpClient qmp;
  private final QemuInventory inventory;
  private final MemoryMap memory;
  private final Path socket;
  private final QemuTimeouts timeouts;
  private final ColoTranslation translation;
  private final QemuPulse pulse;
  private final Standstill standstill = new Standstill();
  private final BlockPages pages;
  private final ReentrantLock ending = new ReentrantLock();

  private volatile Phase phase = Phase.NEW;
  private volatile @Nullable ColoConnection connection;
  private @Nullable ColoStream stream;
  private @Nullable MigrationStream initial;
  private @Nullable MigrationSettings settings;

  /**
   * Prepares a protection; QEMU is not touched before {@link #seed}.
   *
   * @param qmp connection to QEMU, owned by the caller
   * @param inventory what preflight accepted
   * @param socket a path where no file is, in a folder of ours: QEMU migrates to it
   * @param translation what makes machine states of device states
   */
  public QemuColoPrimary(
      QmpClient qmp,
      QemuInventory inventory,
      Path socket,
      QemuTimeouts timeouts,
      ColoTranslation translation) {
    this.qmp = qmp;
    this.inventory = inventory;
    this.socket = socket;
    this.timeouts = timeouts;
    this.translation = translation;
    memory = LiveMemoryMap.of(inventory.memoryTree(), inventory.ramBlocks());
    pulse = new QemuPulse(qmp, inventory.process(), standstill);
    pages =
        new BlockPages(
            inventory.ramBlocks(),
            new PageSink() {
              @Override
              public void page(int index, java.lang.foreign.MemorySegment source, long offset) {}

              @Override
              public void zeroPage(int index) {}
            });
  }

  @Override
  public String hypervisor() {
    return inventory.version().name();
  }

  @Override
  public MemoryMap memoryMap() {
    return memory;
  }

  /** How QEMU is doing, each kind of trouble named; answered within about {@code timeout}. */
  public QemuCondition condition(Duration timeout) {
    return pulse.condition(timeout);
  }

  /** How far the guest's clock has fallen behind since this protection began. */
  public ClockLag clockLag() {
    return standstill.lag();
  }

  @Override
  public void seed(PageSink sink) {
    if (phase != Phase.NEW) {
      throw new HypervisorException("this protection was seeded before: make a new one");
    }
    phase = Phase.SEEDING;
    qmp.listen(standstill);
    qmp.onEnd(standstill::end);
    pages.restart(sink);
    try {
      var colo = new ColoConnection(socket, timeouts.silence().toNanos());
      connection = colo;
      var timers = QemuTimerInterval.measure(qmp, timeouts.command());
      settings =
          MigrationSettings.apply(
              qmp, timers, SeedConvergence.FIRST_DOWNTIME_MILLIS, timeouts.command());
      ColoExit.setColo(qmp, true, timeouts.command());
      qmp.execute("migrate", Map.of("uri", "unix:" + socket), timeouts.command());
      colo.accept();
      stream = new ColoStream(colo);
      try (var watched = new SeedConvergence(qmp, timeouts.command())) {
        initial = stream.readInitial(pages);
      }
      colo.send(ColoMessage.CHECKPOINT_READY);
      phase = Phase.RUNNING;
    } catch (IOException | RuntimeException e) {
      throw failed("seeding", e);
    }
  }

  @Override
  public Capture capture(PageSink sink, EpochBoundary boundary) {
    ColoConnection colo = connection;
    ColoStream messages = stream;
    MigrationStream opening = initial;
    if (phase == Phase.ENDED && inventory.process().runState() == QemuProcess.RunState.GONE) {
      throw new HypervisorGoneException(
          "QEMU's process %d has ended".formatted(inventory.process().pid()));
    }
    if (phase != Phase.RUNNING || colo == null || messages == null || opening == null) {
      throw new HypervisorException(
          "no checkpoint can be taken, COLO is %s: protect the guest again"
              .formatted(phase == Phase.NEW ? "not begun" : "ended"));
    }
    pages.restart(sink);
    try {
      long resumesBefore = standstill.resumes();
      expect(messages, ColoMessage.CHECKPOINT_REQUEST);
      boundary.guestStopping();
      awaitDelivery();
      long granted = System.nanoTime();
      colo.send(ColoMessage.CHECKPOINT_REPLY);
      expect(messages, ColoMessage.VMSTATE_SEND);
      phase = Phase.CHECKPOINT;
      boundary.guestStopped();
      long stopped = System.nanoTime();
      long stoppedRealtime = realtimeNanos();
      ColoStream.Checkpoint checkpoint = messages.readCheckpoint(pages);
      long arrived = System.nanoTime();
      colo.send(ColoMessage.VMSTATE_RECEIVED, ColoMessage.VMSTATE_LOADED);
      long acknowledgedRealtime = realtimeNanos();
      phase = Phase.RUNNING;
      Standstill.Pause pause = awaitResume(resumesBefore);
      boundary.guestRuns();
      long stopNanos =
          Math.clamp(stoppedRealtime - pause.stopRealtimeNanos(), 0, stopped - granted);
      long resumeNanos = Math.max(0, pause.resumeRealtimeNanos() - acknowledgedRealtime);
      var times = new PauseTimes(stopNanos, 0, 0, arrived - stopped, resumeNanos);
      return new Capture(
          times,
          pages.pageCount(),
          () -> translate(opening, checkpoint.deviceState(), stoppedRealtime, stopped));
    } catch (IOException | InterruptedException | RuntimeException e) {
      throw failed("a checkpoint", e);
    }
  }

  /**
   * Returns when the guest has the frames that came before it is stopped. COLO stops it from its
   * own thread, while QEMU's main loop goes on reading frames and then purges what it queued
   * (net/net.c, net_vm_change_state_handler); with vhost it purges what it read since the guest
   * stood (hw/net/virtio-net.c, virtio_net_vhost_status).
   *
   * <p>A command is answered by the main loop, in a round that looks at the cards' ports, too; the
   * guest cannot be stopped before that round's end. vhost's thread in the kernel is given a while.
   */
  private void awaitDelivery() {
    long deadline = System.nanoTime() + DELIVERY_NANOS;
    qmp.execute("query-name", timeouts.command());
    LockSupport.parkNanos(Math.max(0, deadline - System.nanoTime()));
  }

  private Standstill.Pause awaitResume(long resumesBefore) throws InterruptedException {
    Standstill.Pause pause = standstill.awaitResume(resumesBefore, timeouts.resume().toNanos());
    if (pause == null) {
      throw new QemuSilentException(
          qmp.ended().isPresent()
              ? "QEMU ended before the guest went on after its checkpoint"
              : "the guest did not go on within %d ms after its checkpoint"
                  .formatted(timeouts.resume().toMillis()));
    }
    return pause;
  }

  private Capture.Translation translate(
      MigrationStream opening, byte[] deviceState, long realtimeNanos, long monotonicNanos) {
    try {
      return translation.translate(opening, deviceState, realtimeNanos, monotonicNanos);
    } catch (QemuStreamException e) {
      throw new HypervisorException(
          "the device state of %s cannot be understood: %s".formatted(hypervisor(), e.getMessage()),
          e);
    }
  }

  private static void expect(ColoStream messages, ColoMessage wanted) throws IOException {
    ColoMessage found = messages.awaitMessage();
    if (found != wanted) {
      throw new QemuStreamException(-1, "expected " + wanted + ", found " + found);
    }
  }

  private static long realtimeNanos() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  /** Leaves COLO after a failure and says what it was. */
  private HypervisorException failed(String what, Exception cause) {
    if (cause instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    QemuCondition condition = pulse.condition(DIAGNOSIS);
    String reason = standstill.coloExit().isEmpty() ? "" : ", COLO_EXIT " + standstill.coloExit();
    String text =
        "%s of %s failed (%s%s): %s"
            .formatted(what, inventory.vmName(), condition.text(), reason, cause.getMessage());
    if (condition == QemuCondition.ENDED) {
      phase = Phase.ENDED;
      disconnect();
      return new HypervisorGoneException(text, cause);
    }
    var failure = new HypervisorException(text, cause);
    try {
      end();
    } catch (HypervisorException undoing) {
      failure.addSuppressed(undoing);
    }
    return failure;
  }

  private void disconnect() {
    ColoConnection colo = connection;
    if (colo != null) {
      colo.close();
    }
    qmp.unlisten(standstill);
  }

  /**
   * Leaves COLO and restores the settings. The socket is closed first: a QEMU that blocks in
   * writing to it hears no command.
   */
  private void end() {
    ending.lock();
    try {
      boolean begun = phase != Phase.NEW && phase != Phase.ENDED;
      phase = Phase.ENDED;
      disconnect();
      if (begun) {
        ColoExit.leave(qmp, timeouts.undo());
        ColoExit.disableColo(qmp, timeouts.command());
        MigrationSettings changed = settings;
        if (changed != null) {
          changed.restore(qmp, timeouts.command());
        }
      }
    } finally {
      ending.unlock();
    }
  }

  @Override
  public GuestProgress progress(long timeoutNanos) {
    return pulse.progress(Duration.ofNanos(timeoutNanos));
  }

  @Override
  public void kill() {
    LOG.info("ending QEMU's process {} by force", inventory.process().pid());
    inventory.process().handle().destroyForcibly();
    disconnect();
  }

  @Override
  public void close() {
    if (inventory.process().runState() == QemuProcess.RunState.GONE) {
      phase = Phase.ENDED;
      disconnect();
      return;
    }
    end();
  }
}

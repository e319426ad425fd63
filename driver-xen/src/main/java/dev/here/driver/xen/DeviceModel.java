package dev.here.driver.xen;

import dev.here.driver.qemu.QmpClient;
import dev.here.ffi.NamedPipe;
import dev.here.ffi.NativeException;
import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A domain's device model: the QEMU that has its disks and network cards, spoken to over QMP
 * (QEMU's qapi/migration.json: xen-save-devices-state, xen-set-global-dirty-log).
 *
 * <p>One command makes a stand-still of it: QEMU stops its devices, writes their state, and lets
 * them go on. The file that it writes is a pipe which holds less than the state: until we give it
 * room for all, QEMU stands in the midst of writing, and devices do nothing. When we die, QEMU's
 * write fails and its devices go on by themselves.
 *
 * <p>A device model that stands has taken its server of I/O requests away (QEMU,
 * xen_hvm_change_state_handler): a vCPU that ran then would read all ones from its devices. So it
 * stands only while the domain is paused, and has gone on before the domain does.
 */
final class DeviceModel implements AutoCloseable {
  /** Less than any device model's state, whose RTC, PIIX and VGA alone have more. */
  private static final int PIPE_BYTES = 4096;

  private static final int STATE_BYTES_MOST = 4 << 20;
  private static final int POLL_MILLIS = 20;

  private final QmpClient monitor;
  private final Path pipeFile;
  private final Duration timeout;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment buffer = arena.allocate(STATE_BYTES_MOST);
  private Optional<Prepared> prepared = Optional.empty();

  /** Monotonic time of the last answer. */
  private volatile long answeredNanos = System.nanoTime();

  /**
   * @param folder of ours, for the pipe through which its states come
   */
  DeviceModel(QmpClient monitor, Path folder, Duration timeout) {
    this.monitor = monitor;
    this.pipeFile = folder.resolve("dm");
    this.timeout = timeout;
    try {
      Files.deleteIfExists(pipeFile);
      NamedPipe.create(pipeFile);
    } catch (IOException | NativeException e) {
      throw new HypervisorException(
          "no pipe for the device model's state in %s: %s".formatted(folder, e.getMessage()), e);
    }
  }

  /** Whether what devices write to the guest's memory gets into Xen's dirty log. */
  void logWrites(boolean on) {
    monitor.execute("xen-set-global-dirty-log", Map.of("enable", on), timeout);
  }

  /** What the next stand-still needs, made while the guest runs. */
  private record Prepared(QmpClient.Prepared command, NamedPipe pipe) {}

  /** Opens the pipe and sends the next stand-still's command but for its end. */
  void prepare() {
    NamedPipe pipe = NamedPipe.open(pipeFile, PIPE_BYTES);
    try {
      prepared =
          Optional.of(
              new Prepared(
                  monitor.prepare(
                      "xen-save-devices-state",
                      Map.of("filename", pipeFile.toString(), "live", false)),
                  pipe));
    } catch (HypervisorException e) {
      pipe.close();
      throw e;
    }
  }

  /** A stand-still. Closing it lets devices go on by themselves. */
  final class Standstill implements AutoCloseable {
    private final NamedPipe pipe;
    private final QmpClient.Answer over;

    private Standstill(Prepared ready) {
      pipe = ready.pipe();
      try {
        over = ready.command().begin();
      } catch (HypervisorException e) {
        pipe.close();
        throw e;
      }
    }

    /** Waits until devices do nothing any more: no frame leaves, no memory changes. */
    void awaitStopped() {
      long deadline = System.nanoTime() + timeout.toNanos();
      while (!pipe.awaitData(POLL_MILLIS)) {
        if (over.isThere() || System.nanoTime() > deadline) {
          over.await(Duration.ZERO);
          throw new HypervisorException(
              "the device model answered without having written its state to " + pipeFile);
        }
      }
    }

    /** Lets devices write the rest of their state and go on; returns when they serve the guest. */
    void end() {
      pipe.widen(STATE_BYTES_MOST);
      over.await(timeout);
      answeredNanos = System.nanoTime();
    }

    /** The devices' state, once they go on. */
    byte[] state() {
      int size = pipe.readAll(buffer, (int) timeout.toMillis());
      return buffer.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    public void close() {
      pipe.close();
    }
  }

  /** Asks devices to stand still. */
  Standstill stop() {
    if (prepared.isEmpty()) {
      prepare();
    }
    Prepared ready = prepared.orElseThrow();
    prepared = Optional.empty();
    return new Standstill(ready);
  }

  /**
   * Whether it has answered within {@code patience}; only one that has not is asked.
   *
   * @throws HypervisorException when it does not answer within the same time again
   */
  void requireAnswers(Duration patience) {
    if (System.nanoTime() - answeredNanos > patience.toNanos()) {
      monitor.execute("query-status", patience);
      answeredNanos = System.nanoTime();
    }
  }

  @Override
  public void close() {
    prepared.ifPresent(ready -> ready.pipe().close());
    prepared = Optional.empty();
    arena.close();
  }
}

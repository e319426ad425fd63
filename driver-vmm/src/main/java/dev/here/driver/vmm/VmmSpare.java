package dev.here.driver.vmm;

import dev.here.ffi.ProcessPriority;
import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A VMM process that waits to be told what for, with everything loaded that a take-over needs: so
 * that a new standby is there at once. It ends when this process ends before it was used.
 */
public final class VmmSpare implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VmmSpare.class);

  private final Path log;
  private final Process process;
  private boolean used;

  private VmmSpare(Path log, Process process) {
    this.log = log;
    this.process = process;
  }

  /**
   * Starts one; it gets ready by itself, whenever nothing else wants the processor: it must not
   * slow a guest that has just been taken over.
   *
   * @param log gets what it prints, and follows it to its use; on the file system of later logs
   */
  public static VmmSpare start(Path log) {
    try {
      return new VmmSpare(
          log,
          new ProcessBuilder(VmmCommand.ofThisJava(List.of()).spare())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start());
    } catch (IOException e) {
      throw new HypervisorException("cannot start a spare VMM: " + e.getMessage(), e);
    }
  }

  /**
   * Tells it what for, at the usual priority; empty when it is used already or has ended.
   *
   * @param options of the VMM
   * @param socket where it shall listen
   * @param newLog where its log goes
   */
  synchronized Optional<Process> use(List<String> options, Path socket, Path newLog) {
    if (used || !process.isAlive()) {
      return Optional.empty();
    }
    used = true;
    // It does the same itself when it reads what for, which may take long at a low priority.
    boolean atOnce = ProcessPriority.restore(process.pid());
    LOG.debug("spare VMM {} has the usual priority: {}", process.pid(), atOnce);
    try (OutputStream words = process.getOutputStream()) {
      Files.move(log, newLog);
      List<String> all = new ArrayList<>(options);
      all.addAll(List.of("--control", socket.toString()));
      words.write(String.join("\n", all).getBytes(StandardCharsets.UTF_8));
      return Optional.of(process);
    } catch (IOException e) {
      LOG.info("a spare VMM cannot be used: {}", e.getMessage());
      process.destroyForcibly();
      return Optional.empty();
    }
  }

  /** Ends it, unless it is used. */
  @Override
  public synchronized void close() {
    if (!used) {
      process.destroyForcibly();
    }
  }
}

package dev.here.host;

import dev.here.driver.vmm.VmmSpare;
import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps one VMM process ready for the next replica; a new one follows each that is taken. */
final class SpareVmms implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SpareVmms.class);

  private final Path folder;
  private Optional<VmmSpare> ready = Optional.empty();
  private int started;
  private boolean closed;

  /** Starts the first; its log is in {@code folder} until it is used. */
  SpareVmms(Path folder) {
    this.folder = folder;
    refill();
  }

  /** The spare, if there is one; nobody else gets it. */
  synchronized Optional<VmmSpare> take() {
    Optional<VmmSpare> taken = ready;
    ready = Optional.empty();
    return taken;
  }

  /** Makes up for one that was taken. */
  synchronized void refill() {
    if (closed || ready.isPresent()) {
      return;
    }
    try {
      Files.createDirectories(folder);
      ready = Optional.of(VmmSpare.start(folder.resolve("spare-%d.log".formatted(started++))));
    } catch (IOException | HypervisorException e) {
      LOG.warn("no VMM is kept ready: {}", e.getMessage());
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    ready.ifPresent(VmmSpare::close);
  }
}

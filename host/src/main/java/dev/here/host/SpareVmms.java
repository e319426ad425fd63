package dev.here.host;

import dev.here.driver.vmm.VmmSpare;
import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps VMM processes ready for the next replicas. A new one follows each that is taken, but not
 * before the replica that took it has had time to be seeded: a Java program that starts would take
 * the processor from it.
 */
final class SpareVmms implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SpareVmms.class);

  private static final Duration REST = Duration.ofSeconds(90);

  private final Path folder;
  private final int wanted;
  private final Deque<VmmSpare> ready = new ArrayDeque<>();
  private Optional<Thread> refilling = Optional.empty();
  private int started;
  private boolean closed;

  /**
   * Starts the first.
   *
   * @param folder of their logs until they are used
   * @param wanted how many are kept
   */
  SpareVmms(Path folder, int wanted) {
    this.folder = folder;
    this.wanted = wanted;
    refill();
  }

  /** The one that has waited longest, if there is one; nobody else gets it. */
  synchronized Optional<VmmSpare> take() {
    refilling.ifPresent(Thread::interrupt);
    refilling = Optional.of(Thread.ofVirtual().name("spare-vmms").start(this::refillAfterRest));
    return Optional.ofNullable(ready.poll());
  }

  private void refillAfterRest() {
    try {
      Thread.sleep(REST);
      refill();
    } catch (InterruptedException e) {
      // Another one was taken meanwhile, or none is needed any more.
    }
  }

  private synchronized void refill() {
    try {
      Files.createDirectories(folder);
      while (!closed && ready.size() < wanted) {
        ready.add(VmmSpare.start(folder.resolve("spare-%d.log".formatted(started++))));
      }
    } catch (IOException | HypervisorException e) {
      LOG.warn("no VMM is kept ready: {}", e.getMessage());
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    refilling.ifPresent(Thread::interrupt);
    ready.forEach(VmmSpare::close);
  }
}

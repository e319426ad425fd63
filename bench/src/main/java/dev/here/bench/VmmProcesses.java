package dev.here.bench;

import dev.here.driver.vmm.VmmCommand;
import dev.here.driver.vmm.VmmStandby;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The VMM processes of one run, which end with this, or with this process. */
final class VmmProcesses implements AutoCloseable {
  private static final int SPARES = 2;

  private final Path folder;
  private final Deque<VmmStandby> spares = new ArrayDeque<>();
  private final Set<VmmStandby> started = ConcurrentHashMap.newKeySet();
  private final Thread ending = new Thread(this::kill);
  private int number;

  /**
   * @param folder for sockets and the log of the processes; exists
   */
  VmmProcesses(Path folder) {
    this.folder = folder;
    Runtime.getRuntime().addShutdownHook(ending);
  }

  /** A VMM process that was started ahead; others are started to follow it. */
  synchronized VmmStandby spare() {
    while (spares.size() <= SPARES) {
      VmmStandby next = fresh();
      next.start();
      spares.add(next);
    }
    return spares.remove();
  }

  /** A VMM whose process is not started yet. */
  synchronized VmmStandby fresh() {
    String name = "vmm-%d-%d".formatted(ProcessHandle.current().pid(), number++);
    VmmStandby made =
        new VmmStandby(
            VmmCommand.ofThisJava(List.of()), folder.resolve(name), folder.resolve("vmm.log"));
    started.add(made);
    return made;
  }

  /** Ends a process and forgets it. */
  void end(VmmStandby standby) {
    started.remove(standby);
    standby.process().ifPresent(ProcessHandle::destroyForcibly);
    standby.close();
    standby.socket().toFile().delete();
  }

  /** In the end of this process others may still use what the machines share with it. */
  private void kill() {
    started.forEach(standby -> standby.process().ifPresent(ProcessHandle::destroyForcibly));
  }

  @Override
  public void close() {
    List.copyOf(started).forEach(this::end);
    try {
      Runtime.getRuntime().removeShutdownHook(ending);
    } catch (IllegalStateException e) {
      // The hook runs already.
    }
  }
}

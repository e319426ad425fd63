package dev.here.lab;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The namespaces that everything of a lab lives in: processes, network and mounts. Its first
 * process is their owner: when that ends, the kernel kills all others and the network, its TAPs and
 * the mounts are gone. An ephemeral rack's first process reads a pipe from its starter and ends
 * with it, however the starter ends; a kept rack's runs until it is killed.
 */
public final class Rack implements AutoCloseable {
  private static final long START_MILLIS = 10_000;

  private final long pid;

  private Rack(long pid) {
    this.pid = pid;
  }

  /** Process id of the rack's first process, as seen from this machine. */
  public long pid() {
    return pid;
  }

  /**
   * Makes the namespaces and waits until they are there.
   *
   * @param keep whether the rack outlives this process
   * @param folder where its log goes
   */
  public static Rack start(boolean keep, Path folder) {
    // The mark is made by the shell itself: a program that made it would still be the last of the
    // chain of processes for a moment, and be taken for the rack's first process.
    String script = "ip link set lo up && : >\"$1\" && exec " + (keep ? "sleep infinity" : "cat");
    Path mark = folder.resolve("rack.ready");
    List<String> command = new ArrayList<>();
    if (keep) {
      command.add("setsid");
    }
    command.addAll(List.of("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"));
    command.addAll(List.of("--mount", "--propagation", "private", "--net", "--"));
    command.addAll(List.of("sh", "-c", script, "sh", mark.toString()));
    File log = folder.resolve("rack.log").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(log).redirectErrorStream(true);
    builder.environment().put("PATH", Tool.path());
    if (keep) {
      builder.redirectInput(Tool.NOTHING);
    }
    try {
      Process process = builder.start();
      return new Rack(awaitFirst(process, mark, folder.resolve("rack.log")));
    } catch (IOException e) {
      throw new LabException("unshare cannot be started: " + e.getMessage(), e);
    }
  }

  private static long awaitFirst(Process process, Path mark, Path log) throws IOException {
    long deadline = System.currentTimeMillis() + START_MILLIS;
    while (System.currentTimeMillis() < deadline && process.isAlive()) {
      if (Files.exists(mark)) {
        return descendant(process.toHandle()).pid();
      }
      Tool.pause(10);
    }
    process.destroyForcibly();
    throw new LabException(
        "the lab's namespaces could not be made (root is needed): "
            + Files.readString(log).strip());
  }

  /** The process at the end of the chain of only children: setsid, unshare, the first process. */
  private static ProcessHandle descendant(ProcessHandle process) {
    return process.children().findFirst().map(Rack::descendant).orElse(process);
  }

  /** A rack that an earlier process started and recorded. */
  static Rack of(long pid) {
    return new Rack(pid);
  }

  boolean isAlive() {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  /** The given command line, to be run inside the rack. */
  List<String> inside(List<String> command) {
    List<String> line = new ArrayList<>();
    line.addAll(List.of("nsenter", "--target", Long.toString(pid)));
    line.addAll(List.of("--pid", "--net", "--mount", "--wd=" + Path.of("").toAbsolutePath(), "--"));
    line.addAll(command);
    return line;
  }

  /** Runs a program inside to its end; returns its output. */
  public String run(String... command) {
    return Tool.run(inside(List.of(command)));
  }

  /**
   * Starts a program inside that may be stopped by a signal. A shell stands between it and nsenter,
   * which stops itself with a child that is stopped, and would not see that child's end any more:
   * then the rack could not end either.
   */
  Process startStoppable(List<String> command, Path log) {
    List<String> waited = new ArrayList<>(List.of("sh", "-c", "\"$@\" & wait $!", "sh"));
    waited.addAll(command);
    return start(waited, log);
  }

  /** Starts a program inside; its outputs go to a file. */
  public Process start(List<String> command, Path log) {
    ProcessBuilder builder =
        new ProcessBuilder(inside(command))
            .redirectInput(Tool.NOTHING)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().put("PATH", Tool.path());
    try {
      return builder.start();
    } catch (IOException e) {
      throw new LabException(
          "%s cannot be started in the lab: %s".formatted(command.getFirst(), e.getMessage()), e);
    }
  }

  /** Ends everything in the rack. */
  @Override
  public void close() {
    ProcessHandle.of(pid)
        .ifPresent(first -> {
          ProcessHandle parent = first.parent().orElse(first);
          first.destroyForcibly();
          first.onExit().join();
          parent.onExit().join();
        });
  }
}

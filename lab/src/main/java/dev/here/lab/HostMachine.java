package dev.here.lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One virtual host: its QEMU in the rack, its files in the lab's folder. The hardware is the same
 * for all hosts of a role and size, so that they can start from one saved state.
 */
final class HostMachine {
  private static final int AGENT_PORT = 5000;
  private static final int EXEC_PORT_BASE = 5100;
  private static final long BOOT_NANOS = TimeUnit.SECONDS.toNanos(240);
  private static final long START_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long ANSWER_MILLIS = 3_000;

  private final Rack rack;
  private final Path folder;
  private final String name;
  private final int number;

  HostMachine(Rack rack, Path folder, String name, int number) {
    this.rack = rack;
    this.folder = folder;
    this.name = name;
    this.number = number;
  }

  String name() {
    return name;
  }

  HostRole role() {
    return HostRole.of(name);
  }

  int number() {
    return number;
  }

  Path overlay() {
    return folder.resolve(name + ".qcow2");
  }

  Path serialLog() {
    return folder.resolve(name + ".serial.log");
  }

  private Path qemuLog() {
    return folder.resolve(name + ".qemu.log");
  }

  private Path execSocket() {
    return folder.resolve(name + ".exec");
  }

  private Path pidFile() {
    return folder.resolve(name + ".pid");
  }

  Qmp qmp() {
    return new Qmp(folder.resolve(name + ".qmp"));
  }

  /**
   * What a host starts from.
   *
   * @param disk the disk that the host's own overlay lies on
   * @param format that disk's format: raw or qcow2
   * @param memory the saved state to continue; without one the host boots
   */
  record Origin(Path disk, String format, Optional<Path> memory) {}

  /** Starts QEMU, and the relay of the host's control socket. */
  void start(HostImage image, LabPlan plan, Origin origin) {
    Tool.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        origin.format(),
        "-b",
        origin.disk().toString(),
        overlay().toString());
    List<String> command = command(image, plan);
    origin.memory().ifPresent(m -> command.addAll(List.of("-incoming", "exec:cat '" + m + "'")));
    Process qemu = rack.startStoppable(command, qemuLog());
    awaitFile(folder.resolve(name + ".qmp"), qemu);
    if (origin.memory().isPresent()) {
      // The state was saved standing still, and so it arrives.
      try (Qmp qmp = Qmp.ofStarting(folder.resolve(name + ".qmp"))) {
        qmp.awaitMigration(System.nanoTime() + START_NANOS);
        qmp.execute("cont", Map.of());
      }
    }
    if (!Files.exists(execSocket())) {
      List<String> relay =
          List.of(
              "socat",
              "UNIX-LISTEN:" + execSocket() + ",fork",
              "TCP:127.0.0.1:" + (EXEC_PORT_BASE + number));
      awaitFile(execSocket(), rack.start(relay, folder.resolve(name + ".relay.log")));
    }
  }

  private List<String> command(HostImage image, LabPlan plan) {
    List<String> command = new ArrayList<>();
    command.add("qemu-system-x86_64");
    command.addAll(List.of("-name", name, "-machine", "pc-i440fx-7.2"));
    command.addAll(Acceleration.ofThisMachine().options(role()));
    command.addAll(List.of("-smp", Integer.toString(plan.cpus())));
    command.addAll(List.of("-m", Integer.toString(plan.memoryMebibytes())));
    command.addAll(List.of("-display", "none", "-vga", "none", "-nodefaults", "-no-user-config"));
    command.addAll(List.of("-no-reboot", "-serial", "file:" + serialLog()));
    command.addAll(
        List.of("-qmp", "unix:" + folder.resolve(name + ".qmp") + ",server=on,wait=off"));
    command.addAll(List.of("-pidfile", pidFile().toString()));
    command.addAll(
        List.of(
            "-drive",
            "file=" + overlay() + ",format=qcow2,if=none,id=root,cache=unsafe",
            "-device",
            "virtio-blk-pci,drive=root",
            "-drive",
            "file="
                + folder.resolve("application.ext4")
                + ",format=raw,if=none,id=application,readonly=on",
            "-device",
            "virtio-blk-pci,drive=application",
            "-netdev",
            "user,id=exec,restrict=on,hostfwd=tcp:127.0.0.1:%d-:%d"
                .formatted(EXEC_PORT_BASE + number, AGENT_PORT),
            "-device",
            "virtio-net-pci,netdev=exec,mac=52:54:00:4c:00:01,romfile="));
    for (HostNetwork network : HostNetwork.values()) {
      command.addAll(network.options(name));
    }
    command.addAll(role().bootOptions(image, plan.memoryMebibytes()));
    return command;
  }

  private void awaitFile(Path file, Process process) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!Files.exists(file)) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new LabException("host %s did not start: %s".formatted(name, log(qemuLog())));
      }
      Tool.pause(20);
    }
  }

  private static String log(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1).strip() : "";
    } catch (IOException e) {
      return "no log: " + e.getMessage();
    }
  }

  /** Waits for a booting host's init to say that it is done. */
  void awaitBoot() {
    long deadline = System.nanoTime() + BOOT_NANOS;
    while (!log(serialLog()).contains("LAB HOST READY")) {
      if (!isRunning() || System.nanoTime() > deadline) {
        throw new LabException(
            "host %s did not boot; its console is in %s: %s"
                .formatted(name, serialLog(), log(qemuLog())));
      }
      Tool.pause(100);
    }
    awaitAgent();
  }

  /** Waits until the host's agent answers. */
  void awaitAgent() {
    long deadline = System.nanoTime() + BOOT_NANOS;
    while (!answers()) {
      if (!isRunning() || System.nanoTime() > deadline) {
        throw new LabException("host %s does not answer: %s".formatted(name, log(qemuLog())));
      }
      Tool.pause(50);
    }
  }

  /** Whether a trivial command works within a few seconds. */
  boolean answers() {
    try (ExecSession session = new ExecSession(execSocket(), "true")) {
      // A host that stands still would keep us reading for ever.
      Timeouts.closeAfter(session, ANSWER_MILLIS);
      session.endInput();
      boolean ok =
          session.transferTo(OutputStream.nullOutputStream(), OutputStream.nullOutputStream()) == 0;
      return ok;
    } catch (IOException e) {
      return false;
    }
  }

  ExecSession open(String command) {
    try {
      return new ExecSession(execSocket(), command);
    } catch (IOException e) {
      throw new LabException(
          "host %s cannot be reached (%s): is it up? see lab status"
              .formatted(name, e.getMessage()),
          e);
    }
  }

  /** Runs a command to its end. */
  ExecResult exec(String command, byte[] input) {
    try (ExecSession session = open(command)) {
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      ByteArrayOutputStream errors = new ByteArrayOutputStream();
      session.write(input);
      session.endInput();
      int code = session.transferTo(output, errors);
      return new ExecResult(
          code, output.toString(StandardCharsets.UTF_8), errors.toString(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new LabException(
          "host %s went away while it ran a command: %s".formatted(name, e.getMessage()), e);
    }
  }

  /** Boots a guest; returns when its services are up. */
  void startGuest(LabGuest guest) {
    awaitAgent();
    ExecResult result = exec(guest.startScript(role()), new byte[0]);
    if (result.exitCode() != 0) {
      throw new LabException(
          "guest %s did not come up on %s: %s"
              .formatted(guest.name(), name, result.errors().strip()));
    }
  }

  /** Sends a signal to the device models of all guests; returns how many there are. */
  int signalDeviceModels(String signal) {
    String command =
        "for id in $(%s); do kill -%s $id && echo $id; done"
            .formatted(role().deviceModelsCommand(), signal);
    return (int) exec(command, new byte[0]).output().lines().count();
  }

  /** Sends a signal to the host's QEMU; its process id is that of the rack's own namespace. */
  void signal(String signal) {
    rack.run("kill", "-" + signal, log(pidFile()));
  }

  /** Ends the host's QEMU without a warning to anyone, and waits until it is gone. */
  void kill() {
    if (!isRunning()) {
      return;
    }
    signal("KILL");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (isRunning() && System.nanoTime() < deadline) {
      Tool.pause(5);
    }
    for (String suffix : List.of(".pid", ".qmp", ".qcow2")) {
      LabCache.deleteTree(folder.resolve(name + suffix));
    }
  }

  /** "up", "stopped", "silent" or "off". */
  String state() {
    if (!isRunning()) {
      return "off";
    }
    if (processState() == 'T') {
      return "stopped";
    }
    return answers() ? "up" : "silent";
  }

  /** The scheduler's letter for the host's QEMU (proc(5), /proc/pid/stat). */
  private char processState() {
    String stat = log(process().resolve("stat"));
    int end = stat.lastIndexOf(')');
    return end < 0 || end + 2 >= stat.length() ? 'X' : stat.charAt(end + 2);
  }

  private Path process() {
    return Path.of("/proc", Long.toString(rack.pid()), "root/proc", log(pidFile()));
  }

  /** Whether the host's QEMU exists, running or stopped. */
  boolean isRunning() {
    if (log(pidFile()).isEmpty()) {
      return Files.exists(folder.resolve(name + ".qmp"));
    }
    char state = processState();
    return state != 'X' && state != 'Z';
  }
}

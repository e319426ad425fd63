package dev.here.cli;

import dev.here.driver.vmm.VmmControl;
import dev.here.formats.control.ControlMessage;
import dev.here.formats.state.MachineStateCodec;
import dev.here.hypervisor.HypervisorException;
import dev.here.vmm.Vmm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Virtual machines on HERE's own monitor, each a process of its own. */
@Command(
    name = "vm",
    description = "Runs, saves and continues virtual machines on HERE's own monitor.",
    footer = {
      "",
      "Exit codes: 0 done, 1 failed (one line says why), 2 wrong use.",
      "With --foreground: 0 the guest switched itself off, 2 it asked for a reset, 3 it could not go"
          + " on; 2N+1 after it wrote N to the port of --debug-exit."
    })
final class VmCommand implements Runnable {
  private static final int GONE_SECONDS = 30;

  @Spec private CommandSpec spec;

  /** What a status tells. */
  private record Status(
      String name, long pid, String phase, double cpuSeconds, boolean idle, String reason) {}

  /** What was started. */
  private record Started(String name, long pid, String control, String console, String log) {}

  /** What a machine gets of this host. */
  static final class HostOptions {
    @Option(
        names = "--disk",
        paramLabel = "FILE[,readonly]",
        description = "A raw image or block device, in the order of the guest's disks.")
    private List<String> disks = List.of();

    @Option(
        names = "--nic",
        paramLabel = "tap=NAME[,mac=MAC][,queues=N]",
        description = "A TAP device, in the order of the guest's network devices; made if missing.")
    private List<String> nics = List.of();

    @Option(
        names = "--console",
        paramLabel = "WHERE",
        description =
            "Serial console: none, stdio (foreground only), file=PATH or socket=PATH. Default: a"
                + " file beside the control socket.")
    private Optional<String> console = Optional.empty();

    @Option(names = "--foreground", description = "Stays until the guest ends, console on stdio.")
    private boolean foreground;

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;
  }

  /** What a machine is made of that boots by itself. */
  static final class BootOptions {
    @Option(
        names = "--kernel",
        required = true,
        paramLabel = "FILE",
        description = "A bzImage, an ELF image with PVH entry, or a multiboot image.")
    private Path kernel = Path.of("");

    @Option(names = "--initrd", paramLabel = "FILE")
    private Optional<Path> initrd = Optional.empty();

    @Option(names = "--append", paramLabel = "TEXT", description = "The kernel's command line.")
    private String append = "";

    @Option(
        names = "--memory",
        defaultValue = "256",
        paramLabel = "MIB",
        description = "RAM; default ${DEFAULT-VALUE} MiB.")
    private int memoryMib = 256;

    @Option(
        names = "--vcpus",
        defaultValue = "1",
        paramLabel = "N",
        description = "1 to 8; default ${DEFAULT-VALUE}.")
    private int vcpus = 1;

    @Option(
        names = "--debug-exit",
        paramLabel = "PORT",
        description = "A write to this port ends the guest with a status.")
    private Optional<String> debugExitPort = Optional.empty();
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  @Command(description = "Boots a guest.")
  int run(
      @Mixin VmPlace place,
      @ArgGroup(exclusive = false, multiplicity = "1") BootOptions boot,
      @Mixin HostOptions host)
      throws IOException {
    VmmWords words = new VmmWords();
    words.add("--kernel", boot.kernel.toAbsolutePath());
    boot.initrd.ifPresent(file -> words.add("--initrd", file.toAbsolutePath()));
    words.add("--append", boot.append);
    words.add("--memory", boot.memoryMib);
    words.add("--vcpus", boot.vcpus);
    boot.debugExitPort.ifPresent(port -> words.add("--debug-exit", port));
    return start(place, words, host);
  }

  @Command(description = "Continues a guest that was saved to a file, in a process of its own.")
  int restore(
      @Mixin VmPlace place, @Parameters(paramLabel = "FILE") Path file, @Mixin HostOptions host)
      throws IOException {
    VmmWords words = new VmmWords();
    words.add("--restore", file.toAbsolutePath());
    return start(place, words, host);
  }

  private int start(VmPlace place, VmmWords words, HostOptions host) throws IOException {
    host.disks.forEach(disk -> words.add("--disk", VmmWords.absoluteDisk(disk)));
    host.nics.forEach(nic -> words.add("--nic", nic));
    if (host.foreground) {
      words.add("--console", host.console.map(VmmWords::absoluteConsole).orElse("stdio"));
      Vmm.main(words.words().toArray(String[]::new));
    }
    String console =
        host.console.map(VmmWords::absoluteConsole).orElse("file=" + place.file(".console"));
    words.add("--console", console);
    Path control = place.control();
    Path log = place.file(".log");
    long pid = VmmLaunch.start(words.words(), control, log);
    print(
        host.json,
        new Started(place.name(), pid, control.toString(), console, log.toString()),
        "%s runs as process %d; control %s, console %s, log %s"
            .formatted(place.name(), pid, control, console, log));
    return 0;
  }

  @Command(description = "Saves a guest to a checkpoint file; it runs on unless --stop is given.")
  int save(
      @Mixin VmPlace place,
      @Parameters(paramLabel = "FILE") Path file,
      @Option(names = "--stop", description = "Ends the guest here once it is saved.") boolean stop)
      throws IOException {
    try (VmmControl vmm = VmmControl.connect(place.control())) {
      if (stop && phase(vmm) == ControlMessage.Phase.RUNNING) {
        vmm.done(new ControlMessage.Pause());
      }
      vmm.done(new ControlMessage.Save(file.toAbsolutePath().toString()));
      if (stop) {
        end(vmm);
      }
    }
    return 0;
  }

  @Command(description = "Has the guest stand still.")
  int pause(@Mixin VmPlace place) throws IOException {
    return ask(place, new ControlMessage.Pause());
  }

  @Command(description = "Lets a guest go on that stands still.")
  int resume(@Mixin VmPlace place) throws IOException {
    return ask(place, new ControlMessage.Resume());
  }

  private static int ask(VmPlace place, ControlMessage.Request request) throws IOException {
    try (VmmControl vmm = VmmControl.connect(place.control())) {
      vmm.done(request);
      return 0;
    }
  }

  @Command(description = "Ends the guest and its process; what is not saved is lost.")
  int stop(@Mixin VmPlace place) throws IOException {
    try (VmmControl vmm = VmmControl.connect(place.control())) {
      end(vmm);
      return 0;
    }
  }

  private static void end(VmmControl vmm) {
    Optional<ProcessHandle> process = ProcessHandle.of(vmm.pid());
    vmm.done(new ControlMessage.Quit());
    process.ifPresent(running ->
        running
            .onExit()
            .completeOnTimeout(running, GONE_SECONDS, TimeUnit.SECONDS)
            .thenAccept(VmCommand::requireGone)
            .join());
  }

  private static void requireGone(ProcessHandle process) {
    if (process.isAlive()) {
      throw new HypervisorException(
          "the VMM's process %d has not ended after %d s; kill it"
              .formatted(process.pid(), GONE_SECONDS));
    }
  }

  private static ControlMessage.Phase phase(VmmControl vmm) {
    return vmm.ask(new ControlMessage.AskStatus(), ControlMessage.StatusIs.class).phase();
  }

  @Command(description = "Says how a guest is.")
  int status(
      @Mixin VmPlace place,
      @Option(names = "--json", description = "One JSON object.") boolean json)
      throws IOException {
    try (VmmControl vmm = VmmControl.connect(place.control())) {
      var answer = vmm.ask(new ControlMessage.AskStatus(), ControlMessage.StatusIs.class);
      String phase = answer.phase().name().toLowerCase(Locale.ROOT);
      double cpuSeconds = answer.executedNanos() / 1e9;
      String reason = answer.text().isEmpty() ? "" : ": " + answer.text();
      print(
          json,
          new Status(place.name(), vmm.pid(), phase, cpuSeconds, answer.idle(), answer.text()),
          "%s: %s%s, process %d, vCPUs used %.2f s%s"
              .formatted(
                  place.name(),
                  phase,
                  reason,
                  vmm.pid(),
                  cpuSeconds,
                  answer.idle() ? ", idle" : ""));
      return 0;
    }
  }

  private void print(boolean json, Record facts, String text) {
    var out = spec.commandLine().getOut();
    out.println(json ? MachineStateCodec.tree(facts).toString() : text);
    out.flush();
  }
}

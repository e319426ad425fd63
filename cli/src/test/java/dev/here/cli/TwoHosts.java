package dev.here.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.driver.qemu.QemuNicRedirect;
import dev.here.driver.qemu.QmpClient;
import dev.here.host.ApiClient;
import dev.here.host.HostException;
import dev.here.lab.Rack;
import dev.here.lab.TickingFirmware;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * Two hosts, a and b, and a witness on this machine: real daemons and real hypervisors on /dev/kvm,
 * each host a network namespace. A network "peers" joins the hosts, another one, "third", both with
 * the witness; everything ends with this object, or with the test's process.
 */
final class TwoHosts implements AutoCloseable {
  static final long PATIENCE_SECONDS = 120;

  private static final String SUSPECT_AFTER_MILLIS = "4000";
  private static final Duration QMP_TIMEOUT = Duration.ofSeconds(10);
  private static final String NETWORKS =
      """
      set -e
      mount -t tmpfs none /run
      ip link add peers type bridge
      ip link add third type bridge
      ip link set peers up
      ip link set third up
      ip addr add 10.90.2.9/24 dev third
      for host in a b; do
        [ $host = a ] && number=1 || number=2
        ip netns add $host
        for network in peers third; do
          ip link add $host-$network type veth peer name $network netns $host
          ip link set $host-$network master $network up
          ip -n $host link set $network up
        done
        ip -n $host addr add 10.90.1.$number/24 dev peers
        ip -n $host addr add 10.90.2.$number/24 dev third
        ip -n $host link add br0 type bridge
        ip -n $host link set br0 up
        ip -n $host link set lo up
      done
      """;

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final JsonNode MISSING = MissingNode.getInstance();

  private final Path folder;
  private final Rack rack;
  private final Map<String, Process> hereds = new ConcurrentHashMap<>();

  private TwoHosts(Path folder, Rack rack) {
    this.folder = folder;
    this.rack = rack;
  }

  /** Skips the test, with the reason, where this machine cannot have such hosts. */
  static void assumePossible() {
    assumeTrue(Files.isWritable(Path.of("/dev/kvm")), "there is no /dev/kvm to be used here");
    assumeTrue("root".equals(System.getProperty("user.name")), "namespaces and TAPs need root");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/qemu-system-x86_64")), "QEMU is not installed");
  }

  /** Starts witness and daemons, files in {@code folder}; they may still be starting. */
  static TwoHosts start(Path folder) throws IOException {
    TwoHosts hosts = new TwoHosts(folder, Rack.start(false, folder));
    try {
      hosts.rack.run("bash", "-c", NETWORKS);
      Files.write(folder.resolve("firmware.bin"), TickingFirmware.image());
      Files.writeString(folder.resolve("token"), "0123456789abcdef0123456789abcdef");
      Files.setPosixFilePermissions(
          folder.resolve("token"), PosixFilePermissions.fromString("rw-------"));
      Path ifup = folder.resolve("ifup");
      Files.writeString(ifup, "#!/bin/sh\nip link set \"$1\" master br0 up\n");
      Files.setPosixFilePermissions(ifup, PosixFilePermissions.fromString("rwx------"));
      hosts.rack.start(
          HereProgram.command(
              "witness", "--listen", "10.90.2.9:2181", "--dir", folder + "/witness"),
          folder.resolve("witness.log"));
      hosts.startHered("a");
      hosts.startHered("b");
      return hosts;
    } catch (RuntimeException | IOException e) {
      hosts.close();
      throw e;
    }
  }

  private Process startOn(String host, List<String> command, String log) {
    List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", host));
    words.addAll(command);
    return rack.start(words, folder.resolve(log));
  }

  void startHered(String host) {
    String own = host.equals("a") ? "1" : "2";
    String other = host.equals("a") ? "b=10.90.1.2:7700" : "a=10.90.1.1:7700";
    hereds.put(
        host,
        startOn(
            host,
            HereProgram.command(
                "hered",
                "--name",
                host,
                "--api",
                folder + "/" + host + ".sock",
                "--run-folder",
                folder + "/run-" + host,
                "--listen",
                "10.90.1." + own + ":7700",
                "--peer",
                other,
                "--witness",
                "10.90.2.9:2181",
                "--token-file",
                folder + "/token",
                "--bridge",
                "br0",
                "--suspect-after",
                SUSPECT_AFTER_MILLIS),
            "hered-" + host + ".log"));
  }

  /** SIGKILL. */
  void killHered(String host) throws InterruptedException {
    Process entered = Objects.requireNonNull(hereds.get(host), host);
    entered.children().findFirst().orElseThrow().destroyForcibly();
    entered.waitFor();
  }

  private ApiClient api(String host) {
    return new ApiClient(folder.resolve(host + ".sock"));
  }

  /** The hosts do not hear each other from now on; both hear the witness. */
  void part() {
    rack.run("ip", "link", "set", "a-peers", "nomaster");
  }

  void join() {
    rack.run("ip", "link", "set", "a-peers", "master", "peers");
  }

  /** Starts a guest on host a under a stock QEMU that knows nothing of HERE. */
  Guest boot(String name) {
    Path qmp = folder.resolve(name + ".qmp");
    Path own = folder.resolve(name + "-test.sock");
    Process entered =
        startOn(
            "a",
            List.of(
                "qemu-system-x86_64",
                "-accel",
                "kvm",
                "-machine",
                "pc-i440fx-7.2",
                "-m",
                "16",
                "-nodefaults",
                "-display",
                "none",
                "-nic",
                "tap,model=virtio-net-pci,mac=52:54:00:00:00:01,script=%s/ifup,downscript=no"
                    .formatted(folder),
                "-bios",
                folder + "/firmware.bin",
                "-qmp",
                "unix:%s,server=on,wait=off".formatted(qmp),
                "-qmp",
                "unix:%s,server=on,wait=off".formatted(own)),
            name + ".log");
    await("QEMU's sockets", () -> Files.exists(qmp) && Files.exists(own));
    Guest guest = new Guest(name, qmp, entered, QmpClient.connect(own, QMP_TIMEOUT));
    guest.awaitMoreTicks(guest::ticksInQemu);
    return guest;
  }

  /** Waits until it is so. */
  void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        Assertions.fail("not within %d s: %s%n%s".formatted(PATIENCE_SECONDS, what, story()));
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        Assertions.fail("interrupted while waiting: " + what);
      }
    }
  }

  /** What the daemons say, and the ends of all logs. */
  String story() {
    StringBuilder text = new StringBuilder();
    for (String host : List.of("a", "b")) {
      text.append(host).append(": ").append(status(host)).append('\n');
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path log : files.filter(file -> file.toString().endsWith(".log")).sorted().toList()) {
        List<String> lines = Files.readAllLines(log);
        text.append("---- ").append(folder.relativize(log)).append('\n');
        lines
            .subList(Math.max(0, lines.size() - 40), lines.size())
            .forEach(line -> text.append(line).append('\n'));
      }
    } catch (IOException e) {
      text.append(e);
    }
    return text.toString();
  }

  /** What a host's daemon says; empty while none answers. */
  Optional<JsonNode> status(String host) {
    try {
      return Optional.of(api(host).get("/v1/status"));
    } catch (HostException e) {
      return Optional.empty();
    }
  }

  boolean answers(String host) {
    return status(host).isPresent();
  }

  static boolean lives(ProcessHandle process) {
    return !commandLine(process).isEmpty();
  }

  /** Processes that have {@code word} in their command line. */
  static List<ProcessHandle> processes(String word) {
    return ProcessHandle.allProcesses()
        .filter(process -> process.pid() != ProcessHandle.current().pid())
        .filter(process -> commandLine(process).contains(word))
        .toList();
  }

  /** Empty for a process that has ended, even if nobody has asked for its exit code yet. */
  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(
          Path.of("/proc/" + process.pid() + "/cmdline"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  /** The process that has the given id inside the namespace of the hosts' processes. */
  private Optional<ProcessHandle> insider(long pid) {
    return ProcessHandle.of(rack.pid()).stream()
        .flatMap(first -> Stream.concat(first.descendants(), entered()))
        .filter(process -> innerPid(process) == pid)
        .findFirst();
  }

  /** Processes that were started from outside, and theirs. */
  private static Stream<ProcessHandle> entered() {
    return ProcessHandle.current().descendants();
  }

  private static long innerPid(ProcessHandle process) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
      String pids = lines.filter(line -> line.startsWith("NSpid:")).findFirst().orElse("0");
      return Long.parseLong(pids.substring(pids.lastIndexOf('\t') + 1).strip());
    } catch (IOException | UncheckedIOException e) {
      return 0;
    }
  }

  /** A guest, and what the daemons say of it. */
  final class Guest implements AutoCloseable {
    private final String name;
    private final Path qmp;
    private final Process entered;
    private final ProcessHandle qemu;
    private final QmpClient monitor;

    Guest(String name, Path qmp, Process entered, QmpClient monitor) {
      this.name = name;
      this.qmp = qmp;
      this.entered = entered;
      this.qemu = entered.children().findFirst().orElseThrow();
      this.monitor = monitor;
    }

    void protect() {
      api("a").post("/v1/protections", Map.of("vm", qmp.toString(), "to", "b"));
      awaitProtected();
    }

    /** Waits for a state in which a failover would lose nothing, and checkpoints go on. */
    void awaitProtected() {
      await(
          name + " is protected",
          () -> "PROTECTED".equals(protection().path("state").asString("")));
      awaitCheckpoints();
    }

    /** Whatever is in the guest now is in a committed checkpoint afterwards. */
    void awaitCheckpoints() {
      long before = checkpoints();
      await(name + " gets checkpoints", () -> checkpoints() >= before + 2);
    }

    private long checkpoints() {
      return protection().path("status").path("checkpoints").asLong(0);
    }

    JsonNode protection() {
      return view("a", "protections");
    }

    JsonNode replica() {
      return view("b", "replicas");
    }

    private JsonNode view(String host, String list) {
      for (JsonNode node : status(host).map(all -> all.path(list)).orElse(MISSING)) {
        if (node.path("name").asString("").equals(name)) {
          return node;
        }
      }
      return MISSING;
    }

    void failover(String host) {
      api(host).post("/v1/vms/%s/failover".formatted(name), Map.of());
    }

    void unprotect() {
      api("a").delete("/v1/protections/" + name);
    }

    void awaitProtectionState(String state) {
      await(name + " is " + state, () -> state.equals(protection().path("state").asString("")));
    }

    void awaitRunningAtB() {
      await(name + " runs at b", this::runsAtB);
    }

    boolean runsAtB() {
      return "RUNNING".equals(replica().path("state").asString(""));
    }

    void killQemu() {
      qemu.destroyForcibly();
    }

    /** Stopped by a signal: it holds its memory and sockets and does nothing. */
    void hangQemu() throws IOException, InterruptedException {
      new ProcessBuilder("kill", "-STOP", Long.toString(qemu.pid())).start().waitFor();
    }

    boolean qemuLives() {
      return lives(qemu);
    }

    /** The keeper's process; there is one. */
    ProcessHandle keeper() {
      return processes("/run-a/protections/" + name).stream().findFirst().orElseThrow();
    }

    /** The guest's timer interrupts so far, as QEMU has them in the guest's memory. */
    long ticksInQemu() {
      String text = monitor.human("xp /1wx " + TickingFirmware.COUNTER_GPA, QMP_TIMEOUT);
      return Long.decode(text.substring(text.indexOf(':') + 1).strip());
    }

    /** Whether the guest's frames take their way through a keeper's gates. */
    boolean isRedirected() {
      return monitor.human("info network", QMP_TIMEOUT).contains(QemuNicRedirect.ID_PREFIX);
    }

    /** Our monitor's process for this guest on b; empty while there is none. */
    Optional<ProcessHandle> vmm() {
      String socket = replica().path("vm").asString("");
      if (socket.isEmpty()) {
        return Optional.empty();
      }
      try {
        String record = Files.readString(Path.of(socket).resolveSibling("replica.json"));
        return insider(JSON.readTree(record).path("vmm").path("pid").asLong(0));
      } catch (IOException e) {
        return Optional.empty();
      }
    }

    /** The guest's timer interrupts so far, as our monitor on b has them. */
    long ticksAtB() {
      return ticksIn(vmm().orElseThrow());
    }

    /** As {@link #ticksAtB}, whether or not a daemon tells of the monitor. */
    long ticksIn(ProcessHandle vmm) {
      Path descriptors = Path.of("/proc/" + vmm.pid() + "/fd");
      try (Stream<Path> files = Files.list(descriptors)) {
        Path memory = files.filter(TwoHosts::isGuestMemory).findFirst().orElseThrow();
        try (FileChannel channel = FileChannel.open(memory)) {
          ByteBuffer counter = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
          channel.read(counter, TickingFirmware.COUNTER_GPA);
          return Integer.toUnsignedLong(counter.getInt(0));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void awaitMoreTicks(Supplier<Long> ticks) {
      long before = ticks.get();
      await(name + " goes on", () -> ticks.get() > before + 10);
    }

    /** Ends the guest wherever it is. */
    @Override
    public void close() {
      monitor.close();
      qemu.destroyForcibly();
      // It has stopped itself with a stopped QEMU, and would never ask for its exit code.
      entered.destroyForcibly();
      vmm().ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  private static boolean isGuestMemory(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith("/memfd:")
          && Files.size(descriptor) >= 16 << 20;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    rack.close();
  }
}

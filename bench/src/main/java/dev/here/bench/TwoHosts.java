package dev.here.bench;

import dev.here.driver.qemu.QmpClient;
import dev.here.host.ApiClient;
import dev.here.host.HostException;
import dev.here.lab.AnsweringFirmware;
import dev.here.lab.Rack;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * Two hosts, a and b, and a witness on this machine: real daemons and real hypervisors on /dev/kvm,
 * each host a network namespace. A network "peers" joins the hosts, another one, "third", both with
 * the witness, and "clients" the bridges of their guests with this process's {@link
 * ServiceClient}s; everything ends with this object, or with this process.
 */
public final class TwoHosts implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;
  private static final int LOOK_MILLIS = 50;
  private static final Duration QMP_TIMEOUT = Duration.ofSeconds(10);
  private static final String NETWORKS =
      """
      set -e
      mount -t tmpfs none /run
      ip link add peers type bridge
      ip link add third type bridge
      ip link add clients type bridge
      ip link set peers up
      ip link set third up
      ip link set clients up
      ip addr add 10.90.2.9/24 dev third
      ip addr add 10.90.3.254/24 dev clients
      for host in a b; do
        [ $host = a ] && number=1 || number=2
        ip netns add $host
        for network in peers third clients; do
          ip link add $host-$network type veth peer name $network netns $host
          ip link set $host-$network master $network up
          ip -n $host link set $network up
        done
        ip -n $host addr add 10.90.1.$number/24 dev peers
        ip -n $host addr add 10.90.2.$number/24 dev third
        ip -n $host link add br0 type bridge
        ip -n $host link set br0 up
        ip -n $host link set clients master br0
        ip -n $host link set lo up
      done
      """;

  private static final JsonNode MISSING = MissingNode.getInstance();

  /** A command line of this program, from the words of its command. */
  public interface Program {
    List<String> command(String... words);
  }

  private final Path folder;
  private final Rack rack;
  private final Program program;
  private final List<String> options;
  private final Map<String, Process> hereds = new ConcurrentHashMap<>();
  private final AtomicInteger guests = new AtomicInteger();

  private TwoHosts(Path folder, Rack rack, Program program, List<String> options) {
    this.folder = folder;
    this.rack = rack;
    this.program = program;
    this.options = List.copyOf(options);
  }

  /** Why this machine cannot have such hosts, with the remedy; empty when it can. */
  public static Optional<String> unavailable() {
    if (!Files.isWritable(Path.of("/dev/kvm"))) {
      return Optional.of("there is no /dev/kvm to be used here");
    }
    if (!"root".equals(System.getProperty("user.name"))) {
      return Optional.of("namespaces and TAPs need root");
    }
    return Stream.of("qemu-system-x86_64", "gcc", "unshare", "ip")
        .filter(TwoHosts::isMissing)
        .findFirst()
        .map(
            "%s is not installed (apt install qemu-system-x86 gcc util-linux iproute2)"::formatted);
  }

  private static boolean isMissing(String name) {
    return Stream.of("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")
        .noneMatch(place -> Files.isExecutable(Path.of(place + name)));
  }

  /**
   * Starts witness and daemons; they may still be starting.
   *
   * @param folder for everything's files; exists
   * @param program the program that has the daemons as its commands
   * @param options of both hereds, beside those that they need here
   */
  public static TwoHosts start(Path folder, Program program, String... options) throws IOException {
    TwoHosts hosts = new TwoHosts(folder, Rack.start(false, folder), program, List.of(options));
    try {
      hosts.rack.run("bash", "-c", NETWORKS);
      AnsweringFirmware.build(folder.resolve("firmware.bin"));
      Files.writeString(folder.resolve("token"), "0123456789abcdef0123456789abcdef");
      Files.setPosixFilePermissions(
          folder.resolve("token"), PosixFilePermissions.fromString("rw-------"));
      Path ifup = folder.resolve("ifup");
      Files.writeString(ifup, "#!/bin/sh\nip link set \"$1\" master br0 up\n");
      Files.setPosixFilePermissions(ifup, PosixFilePermissions.fromString("rwx------"));
      hosts.rack.start(
          program.command("witness", "--listen", "10.90.2.9:2181", "--dir", folder + "/witness"),
          folder.resolve("witness.log"));
      hosts.startHered("a");
      hosts.startHered("b");
      hosts.await("both daemons answer", () -> hosts.answers("a") && hosts.answers("b"));
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

  public void startHered(String host) {
    String own = host.equals("a") ? "1" : "2";
    String other = host.equals("a") ? "b=10.90.1.2:7700" : "a=10.90.1.1:7700";
    List<String> words =
        new ArrayList<>(
            List.of(
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
                "br0"));
    words.addAll(options);
    List<String> command = program.command(words.toArray(String[]::new));
    hereds.put(host, startOn(host, command, "hered-" + host + ".log"));
  }

  /** SIGKILL. */
  public void killHered(String host) throws InterruptedException {
    Process entered = Objects.requireNonNull(hereds.get(host), host);
    entered.children().findFirst().orElseThrow().destroyForcibly();
    entered.waitFor();
  }

  ApiClient api(String host) {
    return new ApiClient(folder.resolve(host + ".sock"));
  }

  /** Whether there is a gate at any port of a host. */
  boolean hasGates(String host) {
    // Nothing else here makes an ifb.
    return !rack.run("ip", "-n", host, "-o", "link", "show", "type", "ifb").isBlank();
  }

  /** The hosts do not hear each other from now on; both hear the witness. */
  public void part() {
    rack.run("ip", "link", "set", "a-peers", "nomaster");
  }

  public void join() {
    rack.run("ip", "link", "set", "a-peers", "master", "peers");
  }

  /**
   * Starts a guest on host a under a stock QEMU that knows nothing of HERE, with {@link
   * AnsweringFirmware}'s service, and a client of it.
   *
   * @param name used once
   */
  public ServiceGuest boot(String name) {
    int number = guests.incrementAndGet();
    Path qmp = folder.resolve(name + ".qmp");
    Path own = folder.resolve(name + "-own.sock");
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
                Integer.toString(ServiceGuest.MEBIBYTES),
                "-nodefaults",
                "-display",
                "none",
                "-nic",
                "tap,model=virtio-net-pci,mac=52:54:00:00:00:%02x,script=%s/ifup,downscript=no"
                    .formatted(number, folder),
                "-bios",
                folder + "/firmware.bin",
                "-qmp",
                "unix:%s,server=on,wait=off".formatted(qmp),
                "-qmp",
                "unix:%s,server=on,wait=off".formatted(own)),
            name + ".log");
    await("QEMU's sockets", () -> listens(qmp) && listens(own));
    ServiceClient client = ServiceClient.start(rack.pid(), AnsweringFirmware.NETWORK + number);
    ServiceGuest guest =
        new ServiceGuest(this, name, qmp, entered, QmpClient.connect(own, QMP_TIMEOUT), client);
    guest.awaitAnswers();
    return guest;
  }

  /** Waits until it is so. */
  public void await(String what, BooleanSupplier condition) {
    if (!isWithinPatience(condition)) {
      throw new BenchException(
          "not within %d s: %s%n%s".formatted(PATIENCE_SECONDS, what, story()));
    }
  }

  /** Waits until it is so, and says whether it was within the time. */
  boolean isWithinPatience(BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      try {
        Thread.sleep(LOOK_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BenchException("interrupted while waiting", e);
      }
    }
    return true;
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

  /** A host's entry of {@code list} for the VM of this name; a missing node when there is none. */
  JsonNode view(String host, String list, String name) {
    for (JsonNode node : status(host).map(all -> all.path(list)).orElse(MISSING)) {
      if (node.path("name").asString("").equals(name)) {
        return node;
      }
    }
    return MISSING;
  }

  public boolean answers(String host) {
    return status(host).isPresent();
  }

  public static boolean lives(ProcessHandle process) {
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
  Optional<ProcessHandle> insider(long pid) {
    return ProcessHandle.of(rack.pid()).stream()
        .flatMap(first -> Stream.concat(first.descendants(), entered()))
        .filter(process -> innerPid(process) == pid)
        .findFirst();
  }

  /** Processes that were started from outside, and theirs. */
  private static Stream<ProcessHandle> entered() {
    return ProcessHandle.current().descendants();
  }

  /** 0 for a process outside, whose id may by chance be that of one inside. */
  private static long innerPid(ProcessHandle process) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith("NSpid:"))
          .findFirst()
          .map(TwoHosts::innermost)
          .orElse(0L);
    } catch (IOException | UncheckedIOException e) {
      return 0;
    }
  }

  /** The last of a process's ids, from the reader's namespace inwards, if there are several. */
  static long innermost(String nsPids) {
    List<String> ids = List.of(nsPids.substring(nsPids.indexOf(':') + 1).strip().split("\\s+"));
    return ids.size() > 1 ? Long.parseLong(ids.getLast()) : 0;
  }

  @Override
  public void close() {
    rack.close();
  }

  private static boolean listens(Path socket) {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return channel.isConnected();
    } catch (IOException e) {
      return false;
    }
  }
}

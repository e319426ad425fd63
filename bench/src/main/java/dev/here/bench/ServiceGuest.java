package dev.here.bench;

import dev.here.driver.qemu.QmpClient;
import dev.here.lab.AnsweringFirmware;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A guest of {@link TwoHosts}, started on host a, what the daemons say of it, and its client. What
 * is asked of its protection is asked of the host that protected it last.
 */
public final class ServiceGuest implements AutoCloseable {
  static final int MEBIBYTES = 16;

  private static final Duration QMP_TIMEOUT = Duration.ofSeconds(10);
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long LOOK_NANOS = 500_000_000;
  private static final int ENOUGH_ANSWERS = 20;

  private final TwoHosts hosts;
  private final String name;
  private final Path qmp;
  private final Process entered;
  private final ProcessHandle qemu;
  private final QmpClient monitor;
  private final ServiceClient client;
  private String primary = "a";

  ServiceGuest(
      TwoHosts hosts,
      String name,
      Path qmp,
      Process entered,
      QmpClient monitor,
      ServiceClient client) {
    this.hosts = hosts;
    this.name = name;
    this.qmp = qmp;
    this.entered = entered;
    this.qemu = entered.children().findFirst().orElseThrow();
    this.monitor = monitor;
    this.client = client;
  }

  /** The client of its service; it has asked since the guest was started. */
  public ServiceClient client() {
    return client;
  }

  public void protect() {
    hosts.api("a").post("/v1/protections", Map.of("vm", qmp.toString(), "to", "b"));
    awaitProtected();
  }

  /** Protects the guest that runs at b, in our monitor, to a. */
  public void protectBack() {
    protectFrom("b", "a");
  }

  /** Protects the guest that runs at a, in our monitor, to b. */
  public void protectAgain() {
    protectFrom("a", "b");
  }

  private void protectFrom(String host, String to) {
    primary = host;
    hosts.api(host).post("/v1/protections", Map.of("vm", name, "to", to));
    awaitProtected();
  }

  /** Waits for a state in which a failover would lose nothing, and checkpoints go on. */
  public void awaitProtected() {
    hosts.await(name + " is protected", this::isProtected);
    awaitCheckpoints();
  }

  boolean isProtected() {
    return "PROTECTED".equals(protection().path("state").asString(""));
  }

  /** Whatever is in the guest now is in a committed checkpoint afterwards. */
  public void awaitCheckpoints() {
    awaitCheckpoints(2);
  }

  /** {@code more} checkpoints have been committed since. */
  public void awaitCheckpoints(int more) {
    long before = checkpoints();
    hosts.await(name + " gets checkpoints", () -> checkpoints() >= before + more);
  }

  /** Checkpoints that its keeper has committed; 0 while none says so. */
  long checkpoints() {
    return protection().path("status").path("checkpoints").asLong(0);
  }

  public JsonNode protection() {
    return hosts.view(primary, "protections", name);
  }

  public JsonNode replica() {
    return replica("b");
  }

  private JsonNode replica(String host) {
    return hosts.view(host, "replicas", name);
  }

  public void failover(String host) {
    hosts.api(host).post("/v1/vms/%s/failover".formatted(name), Map.of());
  }

  public void unprotect() {
    hosts.api(primary).delete("/v1/protections/" + name);
  }

  public void awaitProtectionState(String state) {
    hosts.await(name + " is " + state, () -> state.equals(protection().path("state").asString("")));
  }

  public void awaitRunningAtB() {
    hosts.await(name + " runs at b", this::runsAtB);
  }

  public void awaitRunningAtA() {
    hosts.await(
        name + " runs at a", () -> "RUNNING".equals(replica("a").path("state").asString("")));
  }

  public boolean runsAtB() {
    return "RUNNING".equals(replica().path("state").asString(""));
  }

  public void killQemu() {
    qemu.destroyForcibly();
  }

  /** Stopped by a signal: it holds its memory and sockets and does nothing. */
  public void hangQemu() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-STOP", Long.toString(qemu.pid())).start().waitFor();
  }

  public boolean qemuLives() {
    return TwoHosts.lives(qemu);
  }

  /** The keeper's process; there is one. */
  public ProcessHandle keeper() {
    return keepers().stream().findFirst().orElseThrow();
  }

  /** Whether there is a keeper, and it is not the given one. */
  public boolean hasOtherKeeper(ProcessHandle keeper) {
    return keepers().stream().anyMatch(other -> other.pid() != keeper.pid());
  }

  private List<ProcessHandle> keepers() {
    return TwoHosts.processes("/run-%s/protections/%s".formatted(primary, name));
  }

  /** The guest's timer interrupts so far, as QEMU has them in the guest's memory. */
  public long ticksInQemu() {
    String text = monitor.human("xp /1wx " + AnsweringFirmware.TICKS_GPA, QMP_TIMEOUT);
    return Long.decode(text.substring(text.indexOf(':') + 1).strip());
  }

  /** Whether the guest's frames take their way through a gate. */
  public boolean isRedirected() {
    return hosts.hasGates(primary);
  }

  /** Our monitor's process for this guest on b; empty while there is none. */
  public Optional<ProcessHandle> vmm() {
    return vmm("b");
  }

  private Optional<ProcessHandle> vmm(String host) {
    String socket = replica(host).path("vm").asString("");
    if (socket.isEmpty()) {
      return Optional.empty();
    }
    try {
      String record = Files.readString(Path.of(socket).resolveSibling("replica.json"));
      return hosts.insider(JSON.readTree(record).path("vmm").path("pid").asLong(0));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The guest's timer interrupts so far, as our monitor on b has them. */
  public long ticksAtB() {
    return ticks("b");
  }

  /** The guest's timer interrupts so far, as our monitor on a has them. */
  public long ticksAtA() {
    return ticks("a");
  }

  private long ticks(String host) {
    Path descriptors = Path.of("/proc/" + vmm(host).orElseThrow().pid() + "/fd");
    try (Stream<Path> files = Files.list(descriptors)) {
      Path memory = files.filter(ServiceGuest::isGuestMemory).findFirst().orElseThrow();
      try (FileChannel channel = FileChannel.open(memory)) {
        ByteBuffer counter = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        channel.read(counter, AnsweringFirmware.TICKS_GPA);
        return Integer.toUnsignedLong(counter.getInt(0));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public void awaitMoreTicks(Supplier<Long> ticks) {
    long before = ticks.get();
    hosts.await(name + " goes on", () -> ticks.get() > before + 10);
  }

  /** Waits until its client gets answers as it should: every request of a while. */
  public void awaitAnswers() {
    hosts.await(name + " answers its client", this::isAnswering);
  }

  /** Looks for half a second whether answers come as they should. */
  boolean isAnswering() {
    long before = client.seen().answers();
    LockSupport.parkNanos(LOOK_NANOS);
    return client.seen().answers() > before + ENOUGH_ANSWERS;
  }

  /** Ends the guest wherever it is. */
  @Override
  public void close() {
    client.close();
    monitor.close();
    qemu.destroyForcibly();
    // It has stopped itself with a stopped QEMU, and would never ask for its exit code.
    entered.destroyForcibly();
    vmm("b").ifPresent(ProcessHandle::destroyForcibly);
    vmm("a").ifPresent(ProcessHandle::destroyForcibly);
  }

  private static boolean isGuestMemory(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith("/memfd:")
          && Files.size(descriptor) >= MEBIBYTES << 20;
    } catch (IOException e) {
      return false;
    }
  }
}

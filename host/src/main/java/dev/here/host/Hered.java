package dev.here.host;

import dev.here.ffi.ProcessPriority;
import dev.here.formats.wire.Handshake;
import dev.here.replication.Halt;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** The daemon of one host: its protections, the replicas that it holds for others, the API. */
public final class Hered implements AutoCloseable {
  public static final String VERSION = "0.1.0";

  /** The second argument of {@link #main}, where the program was started with a low priority. */
  public static final String LOWERED = "lowered";

  private static final Logger LOG = LoggerFactory.getLogger(Hered.class);

  private final HostConfig config;
  private final Optional<WitnessConnection> witness;
  private final Protections protections;
  private final Replicas replicas;
  private final ApiSocket api;

  /**
   * Serves until SIGTERM as {@code arguments[0]} says, a {@link HostConfigFile}. On an emulated
   * host this starts in half the time of {@code here hered}, whose options take that long to be
   * understood. A process that is to give way from its first instruction on is started with a low
   * priority and says so with {@link #LOWERED}: it has the usual one once it serves.
   */
  public static void main(String[] arguments) throws InterruptedException {
    try {
      boolean lowered = arguments.length > 1 && arguments[1].equals(LOWERED);
      serve(HostConfigFile.read(Path.of(arguments[0])), lowered);
    } catch (HostException e) {
      System.err.println("hered: " + e.getMessage());
      System.exit(1);
    }
  }

  /** Serves until SIGTERM. */
  public static void serve(HostConfig config) throws InterruptedException {
    serve(config, false);
  }

  private static void serve(HostConfig config, boolean lowered) throws InterruptedException {
    Halt.onErrors();
    Hered hered = new Hered(config, lowered);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              hered.close();
              ended.countDown();
            }));
    ended.await();
  }

  /** Starts the program that is to give way: {@link ProcessPriority#loweringScript}. */
  public static String loweringScript() {
    return ProcessPriority.loweringScript(GivingWay.NICE);
  }

  private Hered(HostConfig config, boolean lowered) {
    this.config = config;
    Path protectionFolder = config.runFolder().resolve("protections");
    Path replicaFolder = config.runFolder().resolve("replicas");
    var givingWay = GivingWay.begin(protectionFolder, replicaFolder, lowered);
    Handshake handshake = SharedToken.handshake(config.tokenFile());
    witness =
        config.witness().isEmpty()
            ? Optional.empty()
            : Optional.of(
                new WitnessConnection(
                    config.witness(), Keeper.leaseMillis(config.suspectAfter().toMillis())));
    protections = new Protections(protectionFolder, witness, givingWay);
    replicas = new Replicas(config, replicaFolder, witness, handshake, protections::keeps);
    api = new ApiSocket(config.api(), routes());
    protections.rehearsed().thenRun(givingWay::end);
    LOG.info(
        "{} serves {} and listens for peers on {}", config.name(), config.api(), config.listen());
  }

  /** All that a host tells of itself. */
  record HostView(
      String host,
      String version,
      String witness,
      List<Protections.View> protections,
      List<ReplicaView> replicas) {}

  private JsonApi routes() {
    return new JsonApi()
        .on("GET", "/v1/status", (path, body) -> view())
        .on("POST", "/v1/protections", (path, body) -> protect(body))
        .on(
            "DELETE",
            "/v1/protections/([^/]+)",
            (path, body) -> {
              protections.unprotect(path.group(1));
              return Map.of("name", path.group(1));
            })
        .on("POST", "/v1/vms/([^/]+)/failover", (path, body) -> failover(path.group(1)));
  }

  private HostView view() {
    return new HostView(
        config.name(), VERSION, config.witness(), protections.views(), replicas.views());
  }

  private Map<String, String> protect(JsonNode request) {
    String vm = request.path("vm").asString("");
    String to = request.path("to").asString("");
    if (vm.isEmpty() || to.isEmpty()) {
      throw new HostException(
          "say which VM (its QMP socket, xen:DOMAIN, vmm:SOCKET, or the name of a guest that this host took over) and to which host");
    }
    if (config.witness().isEmpty()) {
      throw new HostException(
          "there is no witness: ownership needs a third party; start one with 'here witness' and hered with --witness");
    }
    var peer = config.peer(to);
    Optional<TakenOverGuest> here = replicas.runningHere(vm);
    String guest = here.map(TakenOverGuest::reference).orElse(vm);
    String name =
        here.map(TakenOverGuest::name)
            .orElseGet(() -> request.path("name").asString(GuestReference.parse(vm).name()));
    protections.protect(
        new ProtectOrder(
            name,
            guest,
            config.name(),
            to,
            peer.getHostString(),
            peer.getPort(),
            config.witness(),
            config.tokenFile().toAbsolutePath().toString(),
            request.path("fixedIntervalMillis").asLong(0),
            request.path("maxDegradation").asDouble(0.2),
            request.path("maxIntervalMillis").asLong(2000),
            config.suspectAfter().toMillis(),
            here.filter(found -> !protections.runs(name))
                .map(TakenOverGuest::ownedToken)
                .orElse(0L)));
    return Map.of("name", name);
  }

  private Map<String, String> failover(String name) {
    if (protections.runs(name)) {
      protections.switchover(name);
    } else if (replicas.knows(name)) {
      replicas.failover(name);
    } else if (protections.knows(name)) {
      protections.switchover(name);
    } else {
      throw new HostException(
          "VM %s is neither protected from this host nor replicated to it".formatted(name));
    }
    return Map.of("name", name);
  }

  /** Stops serving. Keepers, and guests that were taken over, go on. */
  @Override
  public void close() {
    api.close();
    protections.close();
    replicas.close();
    witness.ifPresent(WitnessConnection::close);
  }
}

package dev.here.cli;

import dev.here.host.ApiClient;
import dev.here.host.GuestBridges;
import dev.here.host.Hered;
import dev.here.host.HostConfig;
import dev.here.host.HostConfigFile;
import dev.here.lab.ExecSession;
import dev.here.lab.Lab;
import dev.here.lab.LabClient;
import dev.here.lab.LabException;
import dev.here.lab.LabGuest;
import dev.here.lab.LabPlan;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * What the demo plays on: a private rack with two hosts, a daemon on each, the witness, and a guest
 * on the first. All of it ends with this process, however that ends.
 */
final class DemoRack implements AutoCloseable {
  private static final int PEER_PORT = 7700;
  private static final int WITNESS_PORT = 2181;

  /** Emulated hosts are slow: what is silent for a second there is not dead. */
  private static final int SUSPECT_AFTER_MILLIS = 4000;

  private static final int START_SECONDS = 180;
  private static final long CLIENT_PAUSE_MILLIS = 180;
  private static final int CLIENT_PATIENCE_MILLIS = 120_000;
  private static final Path RUN_FOLDER = Path.of("/run/here");
  private static final String DAEMON_LOG = "/run/here/hered.log";

  /** The daemon's, its keepers' and its replicas'. */
  private static final String LOGS =
      DAEMON_LOG
          + " $(ls /run/here/protections/*/keeper.log /run/here/replicas/*/vmm.log 2>/dev/null)";

  private final DemoPair pair;
  private final List<String> warmHosts;
  private final Lab lab;
  private final LabGuest guest;

  private DemoRack(DemoPair pair, List<String> warmHosts, Lab lab, LabGuest guest) {
    this.pair = pair;
    this.warmHosts = warmHosts;
    this.lab = lab;
    this.guest = guest;
  }

  /**
   * Sets everything up: seconds when the lab's image is cached, some minutes when not.
   *
   * @param warmHosts those that keep a VMM ready for a replica
   */
  static DemoRack start(
      DemoPair pair, List<String> warmHosts, int vcpus, boolean plain, DemoScreen screen) {
    LabGuest guest = plain ? LabGuest.plainDemo(vcpus) : LabGuest.demo(vcpus);
    return start(pair, warmHosts, guest, screen);
  }

  /** As above, with this guest. */
  static DemoRack start(DemoPair pair, List<String> warmHosts, LabGuest guest, DemoScreen screen) {
    LabPlan plan = LabPlan.of(pair.hosts(), HereProgram.jars()).withGuest(pair.primary(), guest);
    Lab lab = Lab.up(plan, screen::say);
    screen.say(
        "a Linux guest (%d MiB, %d vCPU) runs on %s on %s"
            .formatted(guest.memoryMebibytes(), guest.cpus(), pair.hypervisor(), pair.primary()));
    DemoRack rack = new DemoRack(pair, warmHosts, lab, guest);
    try {
      rack.populate(screen);
      return rack;
    } catch (RuntimeException e) {
      rack.close();
      throw e;
    }
  }

  private void populate(DemoScreen screen) {
    screen.step(
        "witness listens at %s".formatted(lab.witnessAddress()), () -> startWitness(WITNESS_PORT));
    byte[] token = new byte[32];
    new SecureRandom().nextBytes(token);
    String tokenText = HexFormat.of().formatHex(token);
    try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> steps =
          List.of(
              all.submit(() -> startDaemon(pair.primary(), tokenText, screen)),
              all.submit(() -> startDaemon(pair.standby(), tokenText, screen)));
      for (Future<?> step : steps) {
        step.get();
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new HereProgram.Refusal("the demo's hosts could not be set up: " + e.getCause());
    } catch (InterruptedException e) {
      throw Pauses.interrupted();
    }
  }

  private boolean startWitness(int port) {
    String address = lab.witnessAddress();
    File log = lab.folder().resolve("witness.log").toFile();
    List<String> command =
        HereProgram.command(
            "witness",
            "--listen",
            address + ":" + port,
            "--dir",
            lab.folder().resolve("witness").toString());
    try {
      Process witness =
          new ProcessBuilder(lab.inside(command))
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectErrorStream(true)
              .redirectOutput(log)
              .start();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
      while (!insideReaches(address, port)) {
        if (!witness.isAlive() || System.nanoTime() > deadline) {
          throw new HereProgram.Refusal("the witness did not start; its log is " + log);
        }
        Pauses.millis(100);
      }
    } catch (IOException e) {
      throw new HereProgram.Refusal("the witness cannot be started: " + e.getMessage());
    }
    return true;
  }

  private boolean insideReaches(String address, int port) throws IOException {
    Process probe =
        new ProcessBuilder(
                lab.inside(List.of("bash", "-c", "</dev/tcp/%s/%d".formatted(address, port))))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return Pauses.await(probe) == 0;
  }

  private void startDaemon(String host, String token, DemoScreen screen) {
    screen.step(
        "hered runs on " + host,
        () -> {
          writeToken(host, token);
          lab.exec(host, daemonScript(daemonConfig(host))).success();
          awaitDaemon(new HostApiOverLab(lab, host));
          return host;
        });
  }

  private void writeToken(String host, String token) {
    try (ExecSession session =
        lab.start(host, "umask 077; mkdir -p /run/here; cat >/run/here/token")) {
      session.write((token + "\n").getBytes(StandardCharsets.US_ASCII));
      session.endInput();
      session.transferTo(System.err, System.err);
    } catch (IOException e) {
      throw new HereProgram.Refusal(
          "the daemons' token did not get to %s: %s".formatted(host, e.getMessage()));
    }
  }

  /** A host of the lab has one processor: who starts on it gives way to the guest's keeper. */
  private static String daemonScript(HostConfig config) {
    return """
    cd /run/here
    echo '%1$s' >hered.json
    setsid sh -c '%3$s' lowered here-java dev.here.host.Hered hered.json %4$s </dev/null >>%2$s 2>&1 &
    """
        .formatted(HostConfigFile.text(config), DAEMON_LOG, Hered.loweringScript(), Hered.LOWERED);
  }

  private HostConfig daemonConfig(String host) {
    String peer = host.equals(pair.primary()) ? pair.standby() : pair.primary();
    return new HostConfig(
        host,
        ApiClient.DEFAULT_SOCKET,
        RUN_FOLDER,
        new InetSocketAddress(lab.replicationAddress(host), PEER_PORT),
        Map.of(peer, new InetSocketAddress(lab.replicationAddress(peer), PEER_PORT)),
        lab.witnessAddress() + ":" + WITNESS_PORT,
        RUN_FOLDER.resolve("token"),
        GuestBridges.parse(List.of("br0", "br1=br1")),
        List.of(Path.of("/opt/guest")),
        warmHosts.contains(host) ? 1 : 0,
        Duration.ofMillis(SUSPECT_AFTER_MILLIS));
  }

  /** One command that waits on the host: every question from outside would slow its start. */
  private void awaitDaemon(HostApiOverLab api) {
    String script =
        """
        mkfifo /run/idle-$$; exec {idle}<>/run/idle-$$; rm /run/idle-$$
        for ((i = 0; i < %d; i++)); do [ -S %s ] && exit 0; read -rt 0.5 -u $idle; done
        exit 1
        """
            .formatted(2 * START_SECONDS, HostApiOverLab.SOCKET);
    if (lab.exec(api.host(), script).exitCode() != 0) {
      throw new HereProgram.Refusal(
          "hered did not start on %s: %s".formatted(api.host(), daemonLog(api.host(), 3)));
    }
  }

  Lab lab() {
    return lab;
  }

  HostApiOverLab api(String host) {
    return new HostApiOverLab(lab, host);
  }

  /** A client with one long connection to the guest's counter. */
  LabClient client() {
    return client(CLIENT_PAUSE_MILLIS);
  }

  /** The same with a request {@code pauseMillis} after each answer. */
  LabClient client(long pauseMillis) {
    return lab.client(guest.address(), pauseMillis, CLIENT_PATIENCE_MILLIS);
  }

  /** Starts a host's daemon, where the one before has ended; returns when it answers. */
  void startDaemonAgain(String host) {
    lab.exec(host, "rm -f " + HostApiOverLab.SOCKET + "\n" + daemonScript(daemonConfig(host)))
        .success();
    awaitDaemon(api(host));
  }

  LabGuest guest() {
    return guest;
  }

  /** The guest's name for {@code here protect}. */
  String guestReference() {
    return pair.reference(guest);
  }

  /**
   * Protects the guest with a checkpoint every {@code intervalMillis}.
   *
   * @return the protection's name
   */
  String protect(long intervalMillis) {
    var order =
        Map.of("vm", guestReference(), "to", pair.standby(), "fixedIntervalMillis", intervalMillis);
    return api(pair.primary()).post("/v1/protections", order).path("name").asString("");
  }

  /** Whether the guest is still there on the first host, in whatever state. */
  boolean primaryHasGuest() {
    return lab.exec(pair.primary(), pair.existsCommand(guest)).exitCode() == 0;
  }

  /** The last lines of the logs on a host, or why they cannot be had. */
  String daemonLog(String host, int lines) {
    try {
      return lab.exec(host, "tail -n %d %s".formatted(lines, LOGS)).output().strip();
    } catch (LabException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Override
  public void close() {
    lab.close();
  }
}

package dev.here.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * The virtual rack: hosts with a real hypervisor each, on one machine, joined by networks in a
 * namespace of their own.
 *
 * <p>A lab that was started by {@link #up} lives as long as its starter; one that was started by
 * {@link #upKept} lives until {@link #close} or the machine's end, and {@link #current} finds it.
 */
public final class Lab implements AutoCloseable {
  private final LabRecord labRecord;
  private final Rack rack;
  private final List<HostMachine> hosts = new ArrayList<>();

  private Lab(LabRecord labRecord, Rack rack) {
    this.labRecord = labRecord;
    this.rack = rack;
    for (String host : labRecord.plan().hosts()) {
      hosts.add(new HostMachine(rack, folder(), host, labRecord.plan().number(host)));
    }
  }

  /** Starts a lab that ends with this process, however that ends. */
  public static Lab up(LabPlan plan, Consumer<String> progress) {
    return up(plan, false, progress);
  }

  /** Starts a lab that outlives this process; there is at most one of these for each user. */
  public static Lab upKept(LabPlan plan, Consumer<String> progress) {
    if (current().isPresent()) {
      throw new LabException("a lab is up already: use it, or end it with lab down");
    }
    return up(plan, true, progress);
  }

  private static Lab up(LabPlan plan, boolean keep, Consumer<String> progress) {
    List<String> missing = Tool.missing(LabPackages.PROGRAMS);
    if (!missing.isEmpty()) {
      throw new LabException(
          "the lab needs %s: apt-get install %s"
              .formatted(String.join(", ", missing), String.join(" ", LabPackages.MACHINE)));
    }
    long start = System.nanoTime();
    Map<HostRole, HostImage> images = new EnumMap<>(HostRole.class);
    for (String host : plan.hosts()) {
      HostImage image =
          images.computeIfAbsent(HostRole.of(host), role -> HostImage.ensure(role, progress));
      ReadyState.ensure(image, plan, host, progress);
    }
    Path folder = LabRecord.newFolder();
    HostImage any = images.values().iterator().next();
    ApplicationImage.write(any, plan.application(), folder.resolve("application.ext4"), progress);
    Rack rack = Rack.start(keep, folder);
    try {
      LabRecord labRecord =
          new LabRecord(
              rack.pid(),
              LabRecord.startedAt(rack.pid()),
              folder.toString(),
              folders(images),
              plan);
      HostNetwork.build(rack);
      Lab lab = new Lab(labRecord, rack);
      labRecord.write(folder);
      progress.accept("starting " + String.join(" and ", plan.hosts()));
      plan.hosts().forEach(host -> HostNetwork.plug(rack, host));
      lab.forEachHost(lab::start);
      if (keep) {
        labRecord.writeCurrent();
      }
      progress.accept("lab up after %.1f s".formatted((System.nanoTime() - start) / 1e9));
      return lab;
    } catch (RuntimeException e) {
      rack.close();
      LabCache.deleteTree(folder);
      throw e;
    }
  }

  private static Map<HostRole, String> folders(Map<HostRole, HostImage> images) {
    Map<HostRole, String> folders = new EnumMap<>(HostRole.class);
    images.forEach((role, image) -> folders.put(role, image.folder().toString()));
    return folders;
  }

  /** The kept lab of this user, if one is up. */
  public static Optional<Lab> current() {
    return LabRecord.readCurrent().map(r -> new Lab(r, Rack.of(r.rackPid())));
  }

  private interface HostStep {
    void run(HostMachine host);
  }

  private void forEachHost(HostStep step) {
    try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> steps = new ArrayList<>();
      for (HostMachine host : hosts) {
        steps.add(all.submit(() -> step.run(host)));
      }
      for (Future<?> each : steps) {
        each.get();
      }
    } catch (java.util.concurrent.ExecutionException e) {
      if (e.getCause() instanceof LabException cause) {
        throw cause;
      }
      throw new LabException("the lab's hosts could not be started: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }

  private void start(HostMachine host) {
    HostImage image = labRecord.image(host.role());
    ReadyState ready = ReadyState.ensure(image, labRecord.plan(), host.name(), text -> {});
    host.start(image, labRecord.plan(), ready.origin());
    host.awaitAgent();
    host.exec(setup(host), new byte[0]).success();
  }

  /** What makes a host of the common ready state this host: names, addresses, clock, randomness. */
  private String setup(HostMachine host) {
    StringBuilder script = new StringBuilder("set -e\n");
    byte[] seed = new byte[64];
    new SecureRandom().nextBytes(seed);
    script.append("echo ").append(HexFormat.of().formatHex(seed)).append(" >/dev/urandom\n");
    script.append("hostname ").append(host.name()).append('\n');
    for (HostNetwork network : HostNetwork.values()) {
      String device = network.label() + "0";
      script.append("ip link set %s down\n".formatted(device));
      script.append(
          "ip link set %s address %s\n".formatted(device, network.hostMac(host.number())));
      script.append("ip link set %s up\n".formatted(device));
      if (network.addressesHosts()) {
        script.append(
            "ip addr add %s/24 dev %s\n"
                .formatted(network.address(host.number()), network.hostBridge().orElse(device)));
      }
    }
    for (HostMachine other : hosts) {
      script.append(
          "echo %s %s >>/etc/hosts\n"
              .formatted(HostNetwork.REPLICATION.address(other.number()), other.name()));
    }
    script.append(
        "echo %s witness >>/etc/hosts\n".formatted(HostNetwork.CONTROL.address(HostNetwork.RACK)));
    script.append("blockdev --flushbufs /dev/vdb\nmount -o ro /dev/vdb /opt/here\n");
    script.append("date -u -s @%.3f >/dev/null\n".formatted(System.currentTimeMillis() / 1e3));
    return script.toString();
  }

  /** Folder of its sockets and logs, and of whatever else is to vanish with it. */
  public Path folder() {
    return Path.of(labRecord.folder());
  }

  /** The hosts' names. */
  public List<String> hosts() {
    return labRecord.plan().hosts();
  }

  private HostMachine host(String name) {
    return hosts.get(labRecord.plan().number(name) - LabPlan.FIRST_NUMBER);
  }

  /** Address of a host on the network of guests and clients. */
  public String dataAddress(String host) {
    return HostNetwork.DATA.address(host(host).number());
  }

  /** Address of a host on the network between hosts. */
  public String replicationAddress(String host) {
    return HostNetwork.REPLICATION.address(host(host).number());
  }

  /** Address of a host on the network that it shares with the witness. */
  public String controlAddress(String host) {
    return HostNetwork.CONTROL.address(host(host).number());
  }

  /** The rack's own address on the control network: where a witness listens. */
  public String witnessAddress() {
    return HostNetwork.CONTROL.address(HostNetwork.RACK);
  }

  /** What is up, and how. Takes a few seconds when a host is silent. */
  public LabStatus status() {
    return new LabStatus(
        rack.pid(),
        labRecord.folder(),
        Acceleration.ofThisMachine(),
        HostNetwork.DATA.address(HostNetwork.RACK),
        witnessAddress(),
        hosts.stream().map(this::status).toList());
  }

  private HostStatus status(HostMachine host) {
    String state = host.state();
    long tsc = 0;
    double uptime = 0;
    if (state.equals("up")) {
      String[] facts =
          host.exec(host.role().tscCommand() + "; cut -d' ' -f1 /proc/uptime", new byte[0])
              .success()
              .split("\n", -1);
      if (facts.length == 2) {
        tsc = Math.round(Double.parseDouble(facts[0]) * 1000);
        uptime = Double.parseDouble(facts[1]);
      }
    }
    return new HostStatus(
        host.name(),
        state,
        dataAddress(host.name()),
        replicationAddress(host.name()),
        controlAddress(host.name()),
        tsc,
        uptime);
  }

  /** Runs a bash command on a host to its end. */
  public ExecResult exec(String host, String command) {
    return host(host).exec(command, new byte[0]);
  }

  /** Starts a bash command on a host; its streams belong to the caller. */
  public ExecSession start(String host, String command) {
    return host(host).open(command);
  }

  /** Copies a file of this machine to a host. */
  public void push(String host, Path local, String remote) {
    try (ExecSession session = host(host).open("cat >" + quote(remote));
        InputStream in = Files.newInputStream(local)) {
      session.write(in);
      session.endInput();
      finish(
          session, OutputStream.nullOutputStream(), "%s to %s:%s".formatted(local, host, remote));
    } catch (IOException e) {
      throw new LabException(
          "%s was not copied to %s: %s".formatted(local, host, e.getMessage()), e);
    }
  }

  /** Copies a file of a host to this machine. */
  public void pull(String host, String remote, Path local) {
    try (ExecSession session = host(host).open("cat " + quote(remote));
        OutputStream out = Files.newOutputStream(local)) {
      session.endInput();
      finish(session, out, "%s:%s to %s".formatted(host, remote, local));
    } catch (IOException e) {
      throw new LabException(
          "%s was not copied from %s: %s".formatted(remote, host, e.getMessage()), e);
    }
  }

  private static void finish(ExecSession session, OutputStream out, String what)
      throws IOException {
    java.io.ByteArrayOutputStream errors = new java.io.ByteArrayOutputStream();
    if (session.transferTo(out, errors) != 0) {
      throw new LabException(
          "copying %s failed: %s"
              .formatted(what, errors.toString(java.nio.charset.StandardCharsets.UTF_8)));
    }
  }

  private static String quote(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  /** Does something to a host. Takes effect before this returns. */
  public void fault(String name, LabFault fault) {
    HostMachine host = host(name);
    switch (fault) {
      case POWER -> host.kill();
      case HANG -> host.signal("STOP");
      case DM_CRASH, DM_HANG -> {
        if (host.signalDeviceModels(fault == LabFault.DM_CRASH ? "KILL" : "STOP") == 0) {
          throw new LabException("no guest runs on %s: nothing was done".formatted(name));
        }
      }
      case PARTITION -> link(host, "down");
      case HEAL -> {
        link(host, "up");
        if (host.isRunning()) {
          host.signal("CONT");
          host.awaitAgent();
          host.signalDeviceModels("CONT");
        } else {
          start(host);
        }
      }
    }
  }

  private void link(HostMachine host, String direction) {
    rack.run("ip", "link", "set", HostNetwork.REPLICATION.tap(host.name()), direction);
  }

  /**
   * Boots a guest on a host; returns when its services are up, which takes 8 to 40 seconds on KVM,
   * and minutes on an emulated Xen host.
   */
  public void startGuest(String host, LabGuest guest) {
    host(host).startGuest(guest);
  }

  /**
   * Starts a client that counts requests to the guest at an address on the data network.
   *
   * @param pauseMillis pause between an answer and the next request
   * @param patienceMillis how long an answer may take before the connection counts as lost
   */
  public LabClient client(String address, long pauseMillis, int patienceMillis) {
    return new LabClient(rack, address, pauseMillis, patienceMillis);
  }

  /** Looks from now on at each frame that leaves a host for a network of guests. */
  public NumberWatch watchNumbers() {
    return new NumberWatch(rack, hosts());
  }

  /**
   * Starts a client that asks a guest's card on the trunk for an echo again and again.
   *
   * @param payloadOctets payload of each request and answer; 8900 fits an MTU of 9000
   * @param pauseMillis between two requests
   */
  public EchoWatch echo(LabCard card, int payloadOctets, long pauseMillis) {
    return new EchoWatch(rack, card, payloadOctets, pauseMillis);
  }

  /** Reads one TCP stream of so many octets from the guest at an address of the data network. */
  public StreamFigures throughput(String address, long octets) {
    return Measurement.of(
        rack, GuestThroughput.class, StreamFigures.class, List.of(address, Long.toString(octets)));
  }

  /**
   * Fetches the web page of the guest at an address of the data network so many times.
   *
   * @param pauseMillis between two, on average: each is from none to twice as long
   */
  public PageFigures pages(String address, int pages, long pauseMillis) {
    return Measurement.of(
        rack,
        PageLatency.class,
        PageFigures.class,
        List.of(address, Integer.toString(pages), Long.toString(pauseMillis)));
  }

  /**
   * The command line with which a program of this machine runs inside the lab's namespaces: a
   * client at {@code 10.88.0.1}, a witness at {@link #witnessAddress}. It ends with the lab.
   */
  public List<String> inside(List<String> command) {
    return rack.inside(command);
  }

  /** Ends the lab and everything in it, and removes its files. */
  @Override
  public void close() {
    rack.close();
    labRecord.forget();
    LabCache.deleteTree(folder());
  }
}

package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.UnprotectableException;
import dev.here.machine.CardLink;
import dev.here.net.PortFacts;
import dev.here.net.UnknownPortException;
import dev.here.replication.Dialer;
import dev.here.replication.EpochLoop;
import dev.here.replication.FrameOutput;
import dev.here.replication.Halt;
import dev.here.replication.Lease;
import dev.here.replication.Protection;
import dev.here.replication.ProtectionEvents;
import dev.here.replication.ProtectionState;
import dev.here.replication.ProtectionStatus;
import dev.here.replication.ReplicationException;
import dev.here.replication.Suspicion;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process that protects one guest on its primary: owns the connection to the hypervisor, the
 * frame gates and the staging, so that the daemon can come and go. Told what to do by {@link
 * ProtectOrder} in its folder, asked by the daemon over {@code keeper.sock} there; leaves a {@link
 * KeeperOutcome} when it ends by itself.
 */
public final class Keeper {
  static final String ORDER = "order.json";
  static final String SOCKET = "keeper.sock";

  private static final Logger LOG = LoggerFactory.getLogger(Keeper.class);
  private static final long ACQUIRE_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long MILLI = 1_000_000;

  private static final int HALTED = 2;

  /** A keeper before it may have been killed, and its memory be large. */
  private static final Duration OTHERS_END = Duration.ofSeconds(30);

  /** A standby that is connected to for the first time starts its VMM before it answers. */
  private static final int CONNECT_SUSPECTS = 10;

  private final Path folder;
  private final ProtectOrder order;
  private final Duration patience;

  private Keeper(Path folder) {
    this.folder = folder;
    this.order = ProtectOrder.read(folder.resolve(ORDER));
    this.patience = Duration.ofMillis(order.suspectAfterMillis());
  }

  /**
   * Protects as {@code arguments[0]}, a folder with an order, says; exits 0, or 1 when refused.
   * Ends without an outcome where another keeper is at work there, or nothing may be put in order.
   */
  public static void main(String[] arguments) {
    Halt.onErrors();
    Path folder = Path.of(arguments[0]);
    try (KeeperLock only = KeeperLock.take(folder, OTHERS_END).orElse(null)) {
      if (only == null) {
        LOG.error("another keeper is at work in {}: this one ends", folder);
        Runtime.getRuntime().halt(HALTED);
      }
      KeeperMark.write(folder);
      KeeperProcess.forgetFormer(folder);
      KeeperOutcome outcome = keep(folder);
      LOG.info("ended: {} {}", outcome.state(), outcome.reason());
      outcome.write(folder);
      // Threads of libraries must not keep an ended keeper alive.
      System.exit(KeeperOutcome.REFUSED.equals(outcome.state()) ? 1 : 0);
    } catch (HostException | IOException e) {
      // Its folder cannot be written to: the daemon sees to what is left, as after a death.
      LOG.error("ended: {}", e.getMessage());
      Runtime.getRuntime().halt(HALTED);
    }
  }

  private static KeeperOutcome keep(Path folder) {
    try {
      return new Keeper(folder).protect();
    } catch (UnprotectableException e) {
      return new KeeperOutcome(KeeperOutcome.REFUSED, String.valueOf(e.getMessage()));
    } catch (HypervisorException | ReplicationException | HostException e) {
      LOG.warn("cannot protect", e);
      return new KeeperOutcome(ProtectionState.FAILED.name(), String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.error("cannot protect", e);
      return new KeeperOutcome(ProtectionState.FAILED.name(), "internal failure: " + e);
    } catch (InterruptedException e) {
      return new KeeperOutcome(ProtectionState.FAILED.name(), "interrupted");
    }
  }

  /** How long a lease lasts unrenewed: a host that is only slow must not lose it. */
  static int leaseMillis(long suspectAfterMillis) {
    return (int) Math.max(WitnessConnection.SESSION_MILLIS, suspectAfterMillis);
  }

  private KeeperOutcome protect() throws InterruptedException {
    try (WitnessConnection witness =
            new WitnessConnection(order.witness(), leaseMillis(order.suspectAfterMillis()));
        ZooKeeperOwnership ownership = witness.place(VmIdentity.of(order.name()), order.host());
        GuestProtection guest = GuestReference.parse(order.guest()).open(folder, patience)) {
      guest.hypervisor().ifPresent(process -> HypervisorMark.write(folder, process));
      Lease lease = acquire(ownership);
      new LeaseMark(lease.token()).write(folder);
      // Its mark stays until there is an outcome: who dies between had one.
      try (lease) {
        return run(guest, lease);
      }
    } finally {
      // Of a keeper that died before this one, which made none.
      new LeftFrames(VmIdentity.of(order.name())).removeOpen();
    }
  }

  private KeeperOutcome run(GuestProtection guest, Lease lease) throws InterruptedException {
    try (GuestFrames frames = GuestFrames.at(VmIdentity.of(order.name()), guest.ports())) {
      try {
        return run(guest, lease, frames);
      } finally {
        if (frames.holds()) {
          // Somebody has to find out who owns the VM: the daemon, as after a keeper's death.
          LOG.error("ended while frames are held");
          Runtime.getRuntime().halt(HALTED);
        }
      }
    }
  }

  private KeeperOutcome run(GuestProtection guest, Lease lease, FrameOutput frames)
      throws InterruptedException {
    EpochLoop loop =
        new EpochLoop(
            protection(guest),
            guest.primary(),
            Dialer.tcp(new InetSocketAddress(order.toHost(), order.toPort()), 500),
            SharedToken.handshake(Path.of(order.tokenFile())),
            lease,
            frames,
            order.policy(),
            new Changes(new KeeperPriority(guest.mayGoBefore())));
    JsonApi api =
        new JsonApi()
            .on("GET", "/v1/status", (path, body) -> view(loop, guest.clockLag()))
            .on(
                "POST",
                "/v1/unprotect",
                (path, body) -> {
                  loop.unprotect();
                  return Map.of();
                })
            .on(
                "POST",
                "/v1/switchover",
                (path, body) -> {
                  loop.switchover();
                  return Map.of();
                });
    try (loop) {
      return run(loop, api);
    }
  }

  private KeeperOutcome run(EpochLoop loop, JsonApi api) throws InterruptedException {
    try {
      return serve(loop, api);
    } catch (Error e) {
      // Before gates are removed and the lease is given up.
      Halt.because(e);
      throw e;
    }
  }

  private KeeperOutcome serve(EpochLoop loop, JsonApi api) throws InterruptedException {
    // The first copy waits for the hypervisor most of the time.
    GateRehearsal.begin();
    loop.start();
    // The standby prepares itself meanwhile.
    try (ApiSocket socket = new ApiSocket(folder.resolve(SOCKET), api)) {
      ProtectionState end = loop.awaitEnd();
      if (end == ProtectionState.REPLACED || !end.isFinal()) {
        // Nothing here is this process's any more, or nothing is certain: nothing is put in order.
        LOG.error("ended: {} {}", end, loop.status().reason());
        Runtime.getRuntime().halt(HALTED);
      }
      boolean worked = loop.status().checkpoints() > 0;
      KeeperOutcome outcome =
          new KeeperOutcome(
              end.name(), loop.status().reason(), end == ProtectionState.FAILED && worked);
      // Until it has undone everything, it is told here that the protection has ended.
      loop.close();
      return outcome;
    }
  }

  private Protection protection(GuestProtection guest) {
    Protection usual = Protection.of(VmIdentity.of(order.name()), order.name(), guest.vcpus());
    long suspect = order.suspectAfterMillis() * MILLI;
    return new Protection(
        usual.vm(),
        usual.vmName(),
        usual.vcpus(),
        guest.disks(),
        cards(guest),
        usual.streams(),
        usual.shadow(),
        new Suspicion.Limits(suspect, 2 * suspect, 6 * suspect, suspect),
        Math.max(usual.heartbeatNanos(), suspect / 10),
        Math.max(usual.connectNanos(), CONNECT_SUSPECTS * suspect),
        Math.max(usual.ackNanos(), 10 * suspect),
        usual.holdNanos(),
        usual.retryNanos());
  }

  /** What is outside of the guest's cards, for the standby to make the same. */
  private static List<CardLink> cards(GuestProtection guest) {
    try {
      return guest.ports().stream().map(PortFacts::of).toList();
    } catch (UnknownPortException e) {
      throw new UnprotectableException(List.of(String.valueOf(e.getMessage())));
    }
  }

  /** A lease that an earlier keeper held may have to run out first. */
  private Lease acquire(ZooKeeperOwnership ownership) throws InterruptedException {
    long deadline = System.nanoTime() + ACQUIRE_NANOS;
    String reason = "another host or keeper owns it";
    while (true) {
      try {
        Optional<Lease> lease = inherited(ownership).or(ownership::acquire);
        if (lease.isPresent()) {
          return lease.get();
        }
      } catch (ReplicationException e) {
        reason = String.valueOf(e.getMessage());
      }
      if (System.nanoTime() > deadline) {
        throw new HostException(
            "VM %s cannot be owned from here: %s; look at the witness (%s)"
                .formatted(order.name(), reason, order.witness()));
      }
      Thread.sleep(100);
    }
  }

  /** Once only: an earlier keeper of this order may have inherited before it died. */
  private Optional<Lease> inherited(ZooKeeperOwnership ownership) {
    return order.inherits() > 0 ? ownership.inherit(order.inherits()) : Optional.empty();
  }

  /** What the daemon shows of a protection, beside its name. */
  record View(ProtectionStatus status, ClockLag clockLag) {}

  private static View view(EpochLoop loop, ClockLag lag) {
    return new View(loop.status(), lag);
  }

  /** Tells of changes in the log, and takes the priority that goes with them. */
  private static final class Changes implements ProtectionEvents {
    private final KeeperPriority priority;

    Changes(KeeperPriority priority) {
      this.priority = priority;
    }

    @Override
    public void changed(ProtectionState state, String reason) {
      LOG.info("{} {}", state, reason);
      priority.follow(state);
    }

    @Override
    public void committed(ProtectionStatus status) {
      LOG.debug("epoch {} committed, {} pages", status.committedEpoch(), status.dirtyPages());
    }
  }
}

package dev.here.host;

import dev.here.replication.Halt;
import dev.here.replication.Ownership;
import java.io.IOException;
import java.util.Collection;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.common.ZKConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process's way to the witness, for any number of VMs: one ZooKeeper session, opened in the
 * background and again whenever it has expired, and one thread that renews all leases.
 */
public final class WitnessConnection implements AutoCloseable {
  /** How long a host's leases outlive it, unless told otherwise. */
  public static final int SESSION_MILLIS = 1500;

  /** By then the witness has answered a call, or the call fails. */
  static final long ANSWER_NANOS = 1_000_000_000L;

  private static final Logger LOG = LoggerFactory.getLogger(WitnessConnection.class);
  private static final int RENEWALS_PER_SESSION = 5;
  private static final int LONGEST_ANSWER_OCTETS = 1 << 16;
  private static final int CLOSE_MILLIS = 1000;

  private final String connectString;
  private final int sessionMillis;
  private final ZKClientConfig settings = new OwnSettings();
  private final Collection<ZooKeeperLease> leases = new ConcurrentLinkedQueue<>();
  private final ScheduledExecutorService renewals;
  private volatile ZooKeeper client;
  private volatile WitnessNodes nodes;
  private volatile boolean closed;

  /** As the other constructor, with {@link #SESSION_MILLIS}. */
  public WitnessConnection(String connectString) {
    this(connectString, SESSION_MILLIS);
  }

  /**
   * Begins to connect; does not wait for it.
   *
   * @param connectString servers as {@code host:port}, separated by commas, and optionally the path
   *     of an existing node under which everything is kept
   * @param sessionMillis how long leases last without renewal; the witness raises it to twice its
   *     tick and lowers it to twenty times its tick
   * @throws HostException when the connect string cannot be read
   */
  public WitnessConnection(String connectString, int sessionMillis) {
    if (sessionMillis <= 0) {
      throw new IllegalArgumentException("a session of %d ms".formatted(sessionMillis));
    }
    this.connectString = connectString;
    this.sessionMillis = sessionMillis;
    settings.setProperty(ZKClientConfig.ENABLE_CLIENT_SASL_KEY, "false");
    settings.setProperty(ZKConfig.JUTE_MAXBUFFER, Integer.toString(LONGEST_ANSWER_OCTETS));
    client = open();
    nodes = new WitnessNodes(client);
    renewals =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("lease-renewal").factory());
    long periodMillis = Math.max(1, sessionMillis / RENEWALS_PER_SESSION);
    var unused =
        renewals.scheduleAtFixedRate(
            Halt.guard(this::renewAll), 0, periodMillis, TimeUnit.MILLISECONDS);
  }

  /**
   * One VM's ownership as seen by this process. To be used by one thread at a time.
   *
   * @param host this host's name, shown to others: 1 to 128 characters
   */
  public Ownership ownership(UUID vm, String host) {
    return place(vm, host);
  }

  ZooKeeperOwnership place(UUID vm, String host) {
    return new ZooKeeperOwnership(this, vm, OwnershipRecord.checkedHost(host));
  }

  /** Whether the witness is connected at this moment. */
  public boolean isConnected() {
    return !closed && client.getState().isConnected();
  }

  WitnessNodes nodes() {
    return nodes;
  }

  void keep(ZooKeeperLease lease) {
    leases.add(lease);
  }

  void forget(ZooKeeperLease lease) {
    leases.remove(lease);
  }

  private ZooKeeper open() {
    try {
      return new ZooKeeper(
          connectString,
          sessionMillis,
          this::changed,
          false,
          new WitnessAddresses(connectString),
          settings);
    } catch (IOException | IllegalArgumentException e) {
      throw new HostException(
          "the witness's address \"%s\" cannot be used: %s; give host:port, or several with commas"
              .formatted(connectString, e.getMessage()),
          e);
    }
  }

  private void changed(WatchedEvent event) {
    if (event.getState() == KeeperState.Expired) {
      // Everyone is served by the next renewal, which may not wait for this thread.
      LOG.info("the witness has ended this host's session; a new one is opened");
    }
  }

  private void renewAll() {
    try {
      reopenWhenEnded();
      for (ZooKeeperLease lease : leases) {
        lease.renew();
      }
    } catch (RuntimeException e) {
      // Leases that are not renewed end by themselves; the next period tries again.
      LOG.warn("leases could not be renewed: {}", e.getMessage());
    }
  }

  private synchronized void reopenWhenEnded() {
    if (!closed && !client.getState().isAlive()) {
      client = open();
      nodes = new WitnessNodes(client);
    }
  }

  /** Gives all its leases up, at once if the witness can be reached. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    for (ZooKeeperLease lease : leases) {
      lease.end();
    }
    renewals.shutdownNow();
    try {
      // Ends the session, and with it the owner nodes.
      var unused = client.close(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Takes nothing from system properties: to read those for TLS, which is not used here, ZooKeeper
   * asks for the default SSL context, and that reads 140 certificates (4 s on an emulated host).
   */
  private static final class OwnSettings extends ZKClientConfig {
    @Override
    protected void handleBackwardCompatibility() {
      // All settings are this class's.
    }
  }
}

package dev.here.host;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * The third party of ownership: a single Apache ZooKeeper server in this process. An ensemble of
 * ZooKeeper servers takes its place in production; hosts are told either by the same connect
 * string.
 */
public final class Witness implements AutoCloseable {
  /**
   * Unit of ZooKeeper's time-outs: the shortest session, and so the shortest lease, is twice this.
   */
  public static final int TICK_MILLIS = 250;

  private static final int MAX_CONNECTIONS_PER_ADDRESS = 256;

  private final ZooKeeperServer server;
  private final ServerCnxnFactory connections;

  /**
   * Starts serving.
   *
   * @param address where to listen; port 0 for any
   * @param folder keeps leases' fencing tokens across restarts
   */
  public Witness(InetSocketAddress address, Path folder) {
    System.setProperty("zookeeper.admin.enableServer", "false");
    System.setProperty("zookeeper.4lw.commands.whitelist", "");
    ServerCnxnFactory factory = new NIOServerCnxnFactory();
    try {
      Files.createDirectories(folder);
      server =
          new ZooKeeperServer(
              folder.resolve("snapshots").toFile(), folder.resolve("log").toFile(), TICK_MILLIS);
      factory.configure(address, MAX_CONNECTIONS_PER_ADDRESS);
      factory.startup(server);
    } catch (IOException e) {
      factory.shutdown();
      throw new HostException(
          "the witness cannot listen on %s with folder %s: %s; choose another address or folder"
              .formatted(address, folder, e.getMessage()),
          e);
    } catch (InterruptedException e) {
      factory.shutdown();
      Thread.currentThread().interrupt();
      throw new HostException("interrupted while the witness started", e);
    }
    connections = factory;
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return connections.getLocalAddress();
  }

  /** Blocks until the witness ends. */
  public void await() throws InterruptedException {
    connections.join();
  }

  @Override
  public void close() {
    connections.shutdown();
  }
}

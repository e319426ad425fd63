package dev.here.host;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How one host's daemon is set up.
 *
 * @param name this host's name towards the others
 * @param api the API's socket
 * @param runFolder what belongs to running protections: sockets, orders, logs; on tmpfs
 * @param listen where peers connect
 * @param peers other hosts' peer addresses by their names
 * @param witness connect string of the third party; empty for none
 * @param tokenFile the secret that all peers share, 16 octets at least
 * @param bridges which bridges the cards of guests join that may come here
 * @param diskFolders where disks that a peer names may lie
 * @param spares VMM processes kept ready for new replicas, 0 to 4: 0 suits a host that never stands
 *     by
 * @param suspectAfter how long a hypervisor or a peer may be silent
 */
public record HostConfig(
    String name,
    Path api,
    Path runFolder,
    InetSocketAddress listen,
    Map<String, InetSocketAddress> peers,
    String witness,
    Path tokenFile,
    GuestBridges bridges,
    List<Path> diskFolders,
    int spares,
    Duration suspectAfter) {
  /** Where the control sockets of guests are that {@code here vm run} started by a name. */
  public static final Path VM_FOLDER = Path.of("/run/here/vm");

  private static final int MOST_SPARES = 4;

  public HostConfig {
    peers = Map.copyOf(peers);
    diskFolders = List.copyOf(diskFolders);
    if (spares < 0 || spares > MOST_SPARES) {
      throw new HostException(
          "%d spares are not possible, take 0 to %d".formatted(spares, MOST_SPARES));
    }
    if (!name.matches("[A-Za-z0-9._-]{1,64}")) {
      throw new HostException(
          "host name '%s' is not usable: take letters, digits, dots and dashes".formatted(name));
    }
  }

  /** Where another host's daemon is reached. */
  InetSocketAddress peer(String host) {
    InetSocketAddress address = peers.get(host);
    if (address == null) {
      throw new HostException(
          "host '%s' is not known here; known are %s; start hered with --peer %s=ADDRESS:PORT"
              .formatted(host, peers.keySet().stream().sorted().toList(), host));
    }
    return address;
  }
}

package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Sends the frames that the guest's card gives out through two Unix sockets of a frame gate, with
 * QEMU's own net filters: what the guest sends comes out of the gate's <em>out</em> socket, what
 * the gate writes to its <em>in</em> socket goes on to QEMU's back end. Frames towards the guest go
 * their direct way. No start option of QEMU is needed.
 *
 * <p>The gate listens on both sockets before {@link #attach}; QEMU connects, and connects again
 * within a second when the gate's end went away. A record on either socket is u32 size of what
 * follows the second word (big-endian), u32 length of the vnet header in it (0 where the back end
 * uses none), vnet header, Ethernet frame (QEMU's net/net.c, NetReader; net/filter-mirror.c).
 *
 * <p>The gate must never stop reading <em>out</em>: QEMU writes to it from its main loop, and both
 * guest and QMP stand still when that blocks.
 */
public final class QemuNicRedirect implements AutoCloseable {
  /** All that HERE makes inside a QEMU has an id that begins so. */
  public static final String ID_PREFIX = "here-";

  private static final int RECONNECT_SECONDS = 1;

  private final QmpClient qmp;
  private final Duration timeout;
  private final String name;

  private QemuNicRedirect(QmpClient qmp, Duration timeout, String name) {
    this.qmp = qmp;
    this.timeout = timeout;
    this.name = name;
  }

  /**
   * Attaches the filters to {@code nic}'s back end.
   *
   * @param index tells several cards of one guest apart, from 0
   * @param outSocket where the gate takes the guest's frames
   * @param inSocket where the gate gives released frames back
   * @throws HypervisorException when QEMU refuses; what was made before is removed
   */
  public static QemuNicRedirect attach(
      QmpClient qmp, QemuNic nic, int index, Path outSocket, Path inSocket, Duration timeout) {
    var redirect = new QemuNicRedirect(qmp, timeout, ID_PREFIX + "nic" + index + "-");
    List<String> present = names(qmp.execute("query-chardev", timeout), "label", redirect.name);
    if (!present.isEmpty()) {
      throw new HypervisorException(
          "QEMU at %s has %s of another protection: end that one first (here unprotect)"
              .formatted(qmp.socket(), String.join(", ", present)));
    }
    try {
      redirect.addSocket("in", inSocket);
      redirect.addSocket("out", outSocket);
      redirect.addFilter(nic.netdev(), "in", "indev");
      redirect.addFilter(nic.netdev(), "out", "outdev");
      return redirect;
    } catch (HypervisorException e) {
      try {
        redirect.close();
      } catch (HypervisorException undoing) {
        e.addSuppressed(undoing);
      }
      throw e;
    }
  }

  /** A socket chardev that connects to {@code path}; it has when this returns, or tries again. */
  static void addSocket(
      QmpClient qmp, String id, Path path, Map<String, Object> options, Duration timeout) {
    var socket = new LinkedHashMap<String, Object>(options);
    socket.put("addr", Map.of("type", "unix", "data", Map.of("path", path.toString())));
    socket.put("server", false);
    qmp.execute(
        "chardev-add",
        Map.of("id", id, "backend", Map.of("type", "socket", "data", socket)),
        timeout);
  }

  private void addSocket(String way, Path path) {
    addSocket(qmp, socketId(way), path, Map.of("reconnect", RECONNECT_SECONDS), timeout);
  }

  /** Whether the other end of a socket chardev has ended the connection and all was read. */
  static boolean isDisconnected(QmpClient qmp, String id, Duration timeout) {
    return qmp.execute("query-chardev", timeout)
        .valueStream()
        .filter(chardev -> chardev.path("label").asString("").equals(id))
        .anyMatch(chardev -> chardev.path("filename").asString("").startsWith("disconnected:"));
  }

  /**
   * Filters of the queue rx see a frame of the guest in the reverse order of their making, so the
   * one that takes frames from the gate is made first: what it feeds in passes no other filter.
   */
  private void addFilter(String netdev, String way, String end) {
    addFilter(qmp, socketId(way), netdev, Map.of(end, socketId(way)), timeout);
  }

  /** A redirector on the guest's way out with the id {@code name} and "-filter". */
  static void addFilter(
      QmpClient qmp, String name, String netdev, Map<String, Object> options, Duration timeout) {
    var arguments = new LinkedHashMap<String, Object>(options);
    arguments.put("qom-type", "filter-redirector");
    arguments.put("id", name + "-filter");
    arguments.put("netdev", netdev);
    arguments.put("queue", "rx");
    arguments.put("vnet_hdr_support", true);
    qmp.execute("object-add", arguments, timeout);
  }

  private String socketId(String way) {
    return name + way;
  }

  /**
   * Restores the direct way: removes filters and sockets. Does nothing where they are gone already.
   *
   * @throws HypervisorException when QEMU does not answer
   */
  @Override
  public void close() {
    removeFilters(qmp, timeout, name);
    removeSockets(qmp, timeout, name);
  }

  /**
   * Removes all filters and sockets of ours, which a dead keeper left. What its gates held goes out
   * before: the caller has made sure that no standby takes over.
   *
   * @return what was done, a line each
   */
  public static List<String> removeAll(
      QmpClient qmp, Optional<HeldFrameSource> held, Duration timeout) {
    List<String> done = letOut(qmp, held, timeout);
    removeSockets(qmp, timeout, ID_PREFIX).forEach(id -> done.add("removed socket " + id));
    return done;
  }

  /** As {@link #removeAll}, but the sockets stay, which have no effect any more. */
  static List<String> letOut(QmpClient qmp, Optional<HeldFrameSource> held, Duration timeout) {
    var done = new ArrayList<String>();
    held.ifPresent(source -> done.addAll(HeldFrameOutlet.letOut(qmp, source, timeout)));
    removeFilters(qmp, timeout, ID_PREFIX).forEach(id -> done.add("removed filter " + id));
    return done;
  }

  /** Removes all objects below /objects whose id begins with {@code prefix}; returns their ids. */
  static List<String> removeFilters(QmpClient qmp, Duration timeout, String prefix) {
    List<String> ids = filters(qmp, timeout, prefix);
    // The out filter goes first: from then on frames take the direct way.
    for (String id : ids.stream().sorted(java.util.Comparator.reverseOrder()).toList()) {
      removeFilter(qmp, id, timeout);
    }
    return ids;
  }

  static void removeFilter(QmpClient qmp, String id, Duration timeout) {
    qmp.execute("object-del", Map.of("id", id), timeout);
  }

  /** Without it frames of a card take the direct way. */
  static String outFilter(int card) {
    return ID_PREFIX + "nic" + card + "-out-filter";
  }

  /** The socket on which a card's gate gives frames back. */
  static String inSocket(int card) {
    return ID_PREFIX + "nic" + card + "-in";
  }

  /** Ids of all objects below /objects that begin with {@code prefix}. */
  static List<String> filters(QmpClient qmp, Duration timeout, String prefix) {
    try {
      return names(qmp.execute("qom-list", Map.of("path", "/objects"), timeout), "name", prefix);
    } catch (QmpErrorException e) {
      // QEMU makes the container with the first object.
      if (e.errorClass().equals("DeviceNotFound")) {
        return List.of();
      }
      throw e;
    }
  }

  /** Removes all character devices whose id begins with {@code prefix}; returns their ids. */
  static List<String> removeSockets(QmpClient qmp, Duration timeout, String prefix) {
    List<String> ids = names(qmp.execute("query-chardev", timeout), "label", prefix);
    for (String id : ids) {
      qmp.execute("chardev-remove", Map.of("id", id), timeout);
    }
    return ids;
  }

  private static List<String> names(JsonNode list, String key, String prefix) {
    return list.valueStream()
        .map(item -> item.path(key).asString(""))
        .filter(id -> id.startsWith(prefix))
        .toList();
  }
}

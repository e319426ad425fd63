package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
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
  public static final String ID_PREFIX = RedirectNames.OURS;

  private static final int RECONNECT_SECONDS = 1;
  private static final long POLL_NANOS = 1_000_000;

  private final QmpClient qmp;
  private final Duration timeout;
  private final RedirectNames names;

  private QemuNicRedirect(QmpClient qmp, Duration timeout, RedirectNames names) {
    this.qmp = qmp;
    this.timeout = timeout;
    this.names = names;
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
    var names = new RedirectNames(index);
    var redirect = new QemuNicRedirect(qmp, timeout, names);
    List<String> present = ids(qmp.execute("query-chardev", timeout), "label", names.prefix());
    if (!present.isEmpty()) {
      throw new HypervisorException(
          "QEMU at %s has %s of another protection: end that one first (here unprotect)"
              .formatted(qmp.socket(), String.join(", ", present)));
    }
    try {
      redirect.addSocket(names.in(), inSocket);
      redirect.addSocket(names.out(), outSocket);
      redirect.addFilter(nic.netdev(), names.in(), "indev");
      redirect.addFilter(nic.netdev(), names.out(), "outdev");
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

  private void addSocket(String id, Path path) {
    addSocket(qmp, id, path, Map.of("reconnect", RECONNECT_SECONDS), timeout);
  }

  /**
   * Waits until QEMU has read all of a socket whose other end has shut its sending half: QEMU reads
   * to the end and then says that it is disconnected (QEMU's chardev/char-socket.c).
   *
   * @return false when it has not within the time
   */
  static boolean awaitDisconnected(QmpClient qmp, String id, Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!isDisconnected(qmp, id, timeout)) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return true;
  }

  private static boolean isDisconnected(QmpClient qmp, String id, Duration timeout) {
    return qmp.execute("query-chardev", timeout)
        .valueStream()
        .filter(chardev -> chardev.path("label").asString("").equals(id))
        .anyMatch(chardev -> chardev.path("filename").asString("").startsWith("disconnected:"));
  }

  /**
   * Filters of the queue rx see a frame of the guest in the reverse order of their making, so the
   * one that takes frames from the gate is made first: what it feeds in passes no other filter.
   */
  private void addFilter(String netdev, String socket, String end) {
    addFilter(qmp, socket, netdev, Map.of(end, socket), timeout);
  }

  /** A redirector on the guest's way out, named after the socket that it uses. */
  static void addFilter(
      QmpClient qmp, String socket, String netdev, Map<String, Object> options, Duration timeout) {
    var arguments = new LinkedHashMap<String, Object>(options);
    arguments.put("qom-type", "filter-redirector");
    arguments.put("id", RedirectNames.filterOf(socket));
    arguments.put("netdev", netdev);
    arguments.put("queue", "rx");
    arguments.put("vnet_hdr_support", true);
    qmp.execute("object-add", arguments, timeout);
  }

  /**
   * Restores the direct way: removes filters and sockets. Does nothing where they are gone already.
   *
   * @throws HypervisorException when QEMU does not answer
   */
  @Override
  public void close() {
    removeFilters(qmp, timeout, names.prefix());
    removeSockets(qmp, timeout, names.prefix());
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

  /** Ids of all objects below /objects that begin with {@code prefix}. */
  static List<String> filters(QmpClient qmp, Duration timeout, String prefix) {
    try {
      return ids(qmp.execute("qom-list", Map.of("path", "/objects"), timeout), "name", prefix);
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
    List<String> ids = ids(qmp.execute("query-chardev", timeout), "label", prefix);
    for (String id : ids) {
      qmp.execute("chardev-remove", Map.of("id", id), timeout);
    }
    return ids;
  }

  private static List<String> ids(JsonNode list, String key, String prefix) {
    return list.valueStream()
        .map(item -> item.path(key).asString(""))
        .filter(id -> id.startsWith(prefix))
        .toList();
  }
}

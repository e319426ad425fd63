package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioNetState;
import dev.here.net.Announcer;
import dev.here.net.FramePort;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a guest that was taken over known on its networks, several times because a bridge may only
 * just have opened its port. Each round sends a reverse ARP request in the guest's name, from which
 * switches learn its place, on each VLAN that the guest tags itself too, and asks the guest's
 * driver to announce its own addresses. Why this is enough: docs/specs/vmm-control.md.
 *
 * <p>A guest that has just been taken over is not protected, so no gate holds these frames; where
 * it is protected again within a minute, the reminders wait like the guest's own frames.
 */
final class GuestAnnouncement {
  private static final Logger LOG = LoggerFactory.getLogger(GuestAnnouncement.class);

  /** When rounds are due after the take-over, milliseconds. */
  private static final List<Long> ROUND_MILLIS = List.of(0L, 50L, 250L, 1000L);

  /**
   * After the rounds switches are reminded for a while: a host that hung and goes on sends what it
   * still had in its queues, and with that draws the guest's address to itself.
   */
  private static final long REMINDER_MILLIS = 2000;

  private static final long LAST_MILLIS = 60_000;

  private static final int FIRST_VLAN = 1;
  private static final int LAST_VLAN = 4094;

  /** A guest that is a bridge may want all of them; so many frames would be a flood. */
  private static final int MAX_VLANS = 64;

  private record Link(VirtioPci device, FramePort port) {}

  private final ReentrantLock platform;
  private final Condition ending;
  private final List<Link> links = new ArrayList<>();
  private boolean closed;

  /**
   * @param platform the platform's lock
   */
  GuestAnnouncement(ReentrantLock platform) {
    this.platform = platform;
    this.ending = platform.newCondition();
  }

  /** A network device and the link that it is to be announced on. */
  void add(VirtioPci device, FramePort port) {
    links.add(new Link(device, port));
  }

  /** Begins the rounds, on a thread of their own. With the platform's lock held. */
  void start() {
    if (!links.isEmpty()) {
      Thread.ofPlatform().daemon().name("guest-announcement").start(this::rounds);
    }
  }

  private void rounds() {
    long start = System.nanoTime();
    for (long dueMillis : ROUND_MILLIS) {
      if (!at(start, dueMillis, this::round)) {
        return;
      }
    }
    for (long dueMillis = REMINDER_MILLIS; dueMillis <= LAST_MILLIS; dueMillis += REMINDER_MILLIS) {
      if (!at(start, dueMillis, () -> links.forEach(GuestAnnouncement::tellSwitches))) {
        return;
      }
    }
  }

  /** Does something when it is due, with the platform's lock held; false when all is over. */
  private boolean at(long startNanos, long dueMillis, Runnable what) {
    platform.lock();
    try {
      long left = dueMillis * 1_000_000 - (System.nanoTime() - startNanos);
      while (left > 0 && !closed) {
        left = ending.awaitNanos(left);
      }
      if (!closed) {
        what.run();
      }
      return !closed;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      platform.unlock();
    }
  }

  /** One announcement on every link. With the platform's lock held. */
  private void round() {
    for (Link link : links) {
      int sent = tellSwitches(link);
      boolean asked = link.device().announce();
      LOG.debug(
          "announced the device at {}: {} frames sent, its driver {}",
          link.device().address(),
          sent,
          asked ? "was asked to announce itself" : "cannot announce itself");
    }
  }

  private static int tellSwitches(Link link) {
    VirtioDevice device = link.device().virtioState();
    VirtioNetState net = device.net().orElseThrow();
    List<Integer> vlans =
        VirtioFeature.has(device.negotiatedFeatures(), VirtioNet.CTRL_VLAN)
            ? vlans(net.vlanFilter())
            : List.of();
    return new Announcer(net.mac().toArray(), vlans).announce(link.port());
  }

  /** VLANs that the driver wants frames of: those that the guest tags itself. */
  private static List<Integer> vlans(Bytes filter) {
    return IntStream.range(FIRST_VLAN, LAST_VLAN + 1)
        .filter(id -> (filter.at(id / 8) >>> id % 8 & 1) != 0)
        .limit(MAX_VLANS)
        .boxed()
        .toList();
  }

  /** No round begins after this. With the platform's lock held. */
  void close() {
    closed = true;
    ending.signalAll();
  }
}

package dev.here.net;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import dev.here.ffi.TrafficControl.Plug;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gates as the kernel has them, whoever made them: found by the aliases of their interfaces, which
 * outlive the process that made them. What is shut stays shut until it is let out or dropped here,
 * by whoever owns the VM.
 */
public final class LeftGates {
  private static final Logger LOG = LoggerFactory.getLogger(LeftGates.class);
  private static final long DRAIN_NANOS = 2_000_000_000L;

  private final List<GateLink> links;

  LeftGates(List<GateLink> links) {
    this.links = List.copyOf(links);
  }

  private static List<GateLink> all(RouteNetlink netlink) {
    return LinkFacts.all(netlink).stream().map(GateLink::of).flatMap(Optional::stream).toList();
  }

  /** Those of a VM, in this thread's network namespace. */
  public static LeftGates ofVm(RouteNetlink netlink, UUID vm) {
    return new LeftGates(all(netlink).stream().filter(link -> link.vm().equals(vm)).toList());
  }

  /** Those at a port. */
  static LeftGates atPort(RouteNetlink netlink, int port) {
    return new LeftGates(all(netlink).stream().filter(link -> link.port() == port).toList());
  }

  /** Those whose ports are gone with their guests. */
  public static LeftGates withoutPort(RouteNetlink netlink) {
    return new LeftGates(
        all(netlink).stream()
            .filter(link -> LinkFacts.find(netlink, link.port()).isEmpty())
            .toList());
  }

  public boolean isEmpty() {
    return links.isEmpty();
  }

  /** Frames from guests that wait in them. */
  public HeldFrames held(RouteNetlink netlink) {
    return links.stream()
        .filter(GateLink::isOutward)
        .map(link -> link.held(netlink))
        .reduce(HeldFrames.NONE, HeldFrames::plus);
  }

  /**
   * Lets out what they hold, in its order, unless it was dropped, and removes them. Only for who owns the VM, once no
   * standby may take over from a checkpoint that does not know of these frames.
   */
  public void letOut(RouteNetlink netlink) {
    Map<Integer, List<GateLink>> byPort =
        links.stream().collect(Collectors.groupingBy(GateLink::port));
    byPort.forEach((port, own) -> {
      int taking = redirectsTo(netlink, port);
      // The one that takes frames now has the younger ones.
      Comparator<GateLink> older = Comparator.comparing(link -> link.index() == taking);
      own.stream().sorted(older).forEach(link -> open(netlink, link));
    });
    remove(netlink);
  }

  private static int redirectsTo(RouteNetlink netlink, int port) {
    if (LinkFacts.find(netlink, port).isEmpty()) {
      return 0;
    }
    return new PortFilter(port, PortFilter.Way.FROM_GUEST)
        .find(netlink)
        .map(TrafficControl.Filter::redirectsTo)
        .orElse(0);
  }

  private static void open(RouteNetlink netlink, GateLink link) {
    if (link.isDropping(netlink)) {
      return;
    }
    if (link.queue(netlink).kind().equals(PlugQueue.KIND)) {
      netlink.request(
          TrafficControl.plug(link.index(), Plug.RELEASE_INDEFINITE), "open the gate " + link);
    } else {
      ShutBucket.open(netlink, link);
    }
    await(netlink, link);
  }

  private static void await(RouteNetlink netlink, GateLink link) {
    if (!Draining.await(() -> link.isDrained(netlink), DRAIN_NANOS)) {
      LOG.warn("{} still holds frames, which are lost: {}", link, link.held(netlink));
    }
  }

  /** Throws away what guests' gates hold, and all that comes: a guest goes on elsewhere. */
  public void drop(RouteNetlink netlink) {
    links.stream().filter(GateLink::isOutward).forEach(link -> netlink.up(link.index(), false));
  }

  /** Removes them; frames take their own way again, and what is held is lost. */
  public void remove(RouteNetlink netlink) {
    Map<Integer, List<GateLink>> byPort =
        links.stream().collect(Collectors.groupingBy(GateLink::port));
    byPort.forEach((port, own) -> {
      if (LinkFacts.find(netlink, port).isPresent()) {
        freePort(netlink, port, own.getFirst().madeClassifier());
        // Frames that went in just before are overtaken by none.
        own.forEach(link -> await(netlink, link));
      }
      own.forEach(link -> link.remove(netlink));
    });
  }

  private static void freePort(RouteNetlink netlink, int port, boolean madeClassifier) {
    boolean others = false;
    for (PortFilter.Way way : PortFilter.Way.values()) {
      var filter = new PortFilter(port, way);
      if (filter.find(netlink).isPresent()) {
        netlink.request(filter.remove(), "free interface " + port);
      }
      others |= !TrafficControl.filters(netlink, port, way.side()).isEmpty();
    }
    if (madeClassifier && !others && TrafficControl.classifier(netlink, port).isPresent()) {
      netlink.request(
          TrafficControl.deleteClassifier(port), "remove clsact from interface " + port);
    }
  }

  @Override
  public String toString() {
    return links.toString();
  }
}

package dev.here.net;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import dev.here.ffi.TrafficControl.Plug;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
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

  /** Those whose ports are gone with their guests, or are TAPs that nobody has open any more. */
  public static LeftGates withoutGuest(RouteNetlink netlink) {
    return new LeftGates(all(netlink)).only(link -> !hasGuest(netlink, link.port()));
  }

  private static boolean hasGuest(RouteNetlink netlink, int port) {
    return LinkFacts.find(netlink, port)
        .filter(link -> link.carrier() || !link.kind().equals(LinkFacts.TUN))
        .isPresent();
  }

  /** Those of frames that guests send. */
  public LeftGates outward() {
    return only(GateLink::isOutward);
  }

  /** Those of frames for guests. */
  public LeftGates inward() {
    return only(link -> !link.isOutward());
  }

  /** Some of them. */
  LeftGates only(Predicate<GateLink> wanted) {
    return new LeftGates(links.stream().filter(wanted).toList());
  }

  /** Whether a guest may still send at one of their ports. */
  public boolean haveGuest(RouteNetlink netlink) {
    return links.stream().anyMatch(link -> hasGuest(netlink, link.port()));
  }

  public boolean isEmpty() {
    return links.isEmpty();
  }

  /** Frames from guests that wait in them. */
  public HeldFrames held(RouteNetlink netlink) {
    return outward().links.stream()
        .map(link -> held(netlink, link))
        .reduce(HeldFrames.NONE, HeldFrames::plus);
  }

  private static HeldFrames held(RouteNetlink netlink, GateLink link) {
    try {
      return link.held(netlink);
    } catch (NativeException e) {
      if (link.isGone(netlink)) {
        return HeldFrames.NONE;
      }
      throw e;
    }
  }

  /**
   * Lets out what they hold, in its order, unless it was dropped, and removes them. Only for who
   * owns the VM, once no standby may take over from a checkpoint that does not know of these
   * frames.
   */
  public void letOut(RouteNetlink netlink) {
    open(netlink);
    remove(netlink);
  }

  /**
   * As {@link #letOut}, but they stay, and later frames pass through them: until the next gates of
   * the VM are made, or until {@link #leftOpen} finds them. One that drops would go on with that,
   * and is removed.
   */
  public void leaveOpen(RouteNetlink netlink) {
    LeftGates dropping = only(link -> link.isDropping(netlink));
    dropping.makeWay(netlink);
    LeftGates passing = only(link -> !dropping.links.contains(link));
    passing.open(netlink);
    passing.links.forEach(link -> unlessGone(netlink, link, () -> link.markOpen(netlink)));
  }

  /** Those that were left open, and that nothing needs. */
  public LeftGates leftOpen(RouteNetlink netlink) {
    return only(link -> link.isLeftOpen(netlink));
  }

  private void open(RouteNetlink netlink) {
    byPort()
        .forEach((port, own) -> {
          List<GateLink> order = oldestFirst(netlink, port, own);
          for (GateLink link : order) {
            if (link != order.getFirst()) {
              Draining.settle();
            }
            open(netlink, link);
          }
        });
  }

  /** Of those that may hold something: the one that takes frames now has the younger ones. */
  private static List<GateLink> oldestFirst(RouteNetlink netlink, int port, List<GateLink> own) {
    int taking = redirectsTo(netlink, port);
    return own.stream()
        .sorted(
            Comparator.comparing(GateLink::isOutward).thenComparing(link -> link.index() == taking))
        .filter(link -> link.index() == taking || !isEmptyBucket(netlink, link))
        .toList();
  }

  /** Nothing comes to a bucket of the guest's frames that is not redirected to. */
  private static boolean isEmptyBucket(RouteNetlink netlink, GateLink link) {
    boolean bucket = link.role() == GateLink.Role.FIRST || link.role() == GateLink.Role.SECOND;
    return bucket && held(netlink, link).frames() == 0;
  }

  private static int redirectsTo(RouteNetlink netlink, int port) {
    if (LinkFacts.find(netlink, port).isEmpty()) {
      return TrafficControl.Filter.GONE;
    }
    return new PortFilter(port, PortFilter.Way.FROM_GUEST)
        .find(netlink)
        .map(TrafficControl.Filter::redirectsTo)
        .orElse(TrafficControl.Filter.GONE);
  }

  private static void open(RouteNetlink netlink, GateLink link) {
    unlessGone(
        netlink,
        link,
        () -> {
          if (link.isDropping(netlink)) {
            return;
          }
          switch (link.queue(netlink).kind()) {
            case PlugQueue.KIND -> PlugQueue.tell(netlink, link, Plug.RELEASE_INDEFINITE);
            case ShutBucket.KIND -> ShutBucket.open(netlink, link);
            default -> LOG.debug("{} has no queue of ours", link);
          }
          await(netlink, link);
        });
  }

  private static void await(RouteNetlink netlink, GateLink link) {
    if (!Draining.await(() -> link.isDrained(netlink), DRAIN_NANOS)) {
      LOG.warn("{} still holds frames, which are lost: {}", link, link.held(netlink));
    }
  }

  /** Others may remove an interface meanwhile: then there is nothing to do with it any more. */
  private static void unlessGone(RouteNetlink netlink, GateLink link, Runnable what) {
    try {
      what.run();
    } catch (NativeException e) {
      if (!link.isGone(netlink)) {
        throw e;
      }
      LOG.debug("{} is gone: {}", link, e.getMessage());
    }
  }

  /**
   * Throws away what guests' gates hold, and all that comes: a guest goes on elsewhere.
   *
   * @throws NativeException when one of them does not; all were tried
   */
  public void drop(RouteNetlink netlink) {
    List<NativeException> failures = new ArrayList<>();
    for (GateLink link : links) {
      try {
        if (link.isOutward()) {
          unlessGone(netlink, link, () -> link.drop(netlink));
        }
      } catch (NativeException e) {
        failures.add(e);
      }
    }
    if (!failures.isEmpty()) {
      throw failures.getFirst();
    }
  }

  /** Removes them; frames take their own way again, and what is held is lost. */
  public void remove(RouteNetlink netlink) {
    takeAway(netlink, true);
  }

  /**
   * As {@link #remove}, but the ports keep their places for filters for gates that follow: while
   * these come or go, the kernel throws away what is sent to the port (docs/specs/frame-gate.md).
   *
   * @return whether the places were made for a gate
   */
  boolean makeWay(RouteNetlink netlink) {
    takeAway(netlink, false);
    return links.stream().anyMatch(GateLink::madeClassifier);
  }

  /** As {@link #letOut}, and as {@link #makeWay}. */
  boolean giveWay(RouteNetlink netlink) {
    open(netlink);
    return makeWay(netlink);
  }

  private void takeAway(RouteNetlink netlink, boolean withPlaces) {
    byPort()
        .forEach((port, own) -> {
          if (LinkFacts.find(netlink, port).isPresent()) {
            boolean ours = removeFilters(netlink, port, own);
            // What was redirected just before may be on its way to them.
            Draining.settle();
            // Frames that went in just before are overtaken by none.
            own.forEach(link -> unlessGone(netlink, link, () -> await(netlink, link)));
            if (withPlaces && ours && own.getFirst().madeClassifier()) {
              removePlaces(netlink, port);
            }
          }
          // Last, for their aliases say what is to be removed.
          own.forEach(link -> link.remove(netlink));
        });
  }

  private Map<Integer, List<GateLink>> byPort() {
    return links.stream().collect(Collectors.groupingBy(GateLink::port));
  }

  /**
   * Another may have made gates at the port since these were found: what is theirs stays.
   *
   * @return whether the port is still theirs
   */
  private static boolean removeFilters(RouteNetlink netlink, int port, List<GateLink> own) {
    Set<Integer> targets = own.stream().map(GateLink::index).collect(Collectors.toSet());
    targets.add(TrafficControl.Filter.GONE);
    boolean ours = own.stream().anyMatch(link -> !link.isGone(netlink));
    for (PortFilter.Way way : PortFilter.Way.values()) {
      var filter = new PortFilter(port, way);
      if (filter.find(netlink).filter(f -> targets.contains(f.redirectsTo())).isPresent()) {
        netlink.request(filter.remove(), "free interface " + port);
        ours = true;
      }
    }
    return ours;
  }

  /** Removes a port's places for filters, unless there is one. */
  static void removePlaces(RouteNetlink netlink, int port) {
    boolean used =
        Arrays.stream(PortFilter.Way.values())
            .anyMatch(way -> !TrafficControl.filters(netlink, port, way.side()).isEmpty());
    if (!used && TrafficControl.classifier(netlink, port).isPresent()) {
      netlink.request(
          TrafficControl.deleteClassifier(port), "remove clsact from interface " + port);
    }
  }

  @Override
  public String toString() {
    return links.toString();
  }
}

package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gate at one port of a guest, in the kernel: holds what the guest sends by epoch, and what is
 * sent to it while it is being stopped (docs/specs/frame-gate.md). What it holds and whether it is
 * shut do not depend on this process.
 *
 * @param port where it is
 * @param out what the guest sends
 * @param in what is sent to the guest; empty where the port has no place for it
 * @param watches on the interfaces of {@code out}
 */
record PortGate(GatedPort port, FrameQueue out, Optional<InboundGate> in, List<DownWatch> watches)
    implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PortGate.class);

  /**
   * Makes a gate at a port, open. The caller owns the VM: where a dead process left a gate of the
   * VM there, what it holds leaves. What another VM's holds is not the caller's, and is lost.
   *
   * @throws GateException when the port or the kernel is not fit for it; nothing of it is left then
   */
  static PortGate make(RouteNetlink netlink, UUID vm, String name) {
    int index = GatedPort.index(netlink, name);
    LeftGates left = LeftGates.atPort(netlink, index);
    LeftGates others = left.only(link -> !link.vm().equals(vm));
    others.drop(netlink);
    boolean ownPlaces = others.makeWay(netlink);
    ownPlaces |= left.only(link -> link.vm().equals(vm)).giveWay(netlink);
    List<GateLink> made = new ArrayList<>();
    try {
      GatedPort port = GatedPort.require(netlink, name);
      return new Maker(netlink, vm, port, ownPlaces, made).make();
    } catch (NativeException | GateException e) {
      new LeftGates(made).remove(netlink);
      if (ownPlaces) {
        LeftGates.removePlaces(netlink, index);
      }
      throw e instanceof GateException gate
          ? gate
          : new GateException(
              "the frames of %s cannot be held: %s".formatted(name, e.getMessage()), e);
    }
  }

  /** Lets all out and removes the gate; later frames follow those that were held. */
  void remove(RouteNetlink netlink) {
    links().letOut(netlink);
  }

  /**
   * Frames of an epoch and all before leave.
   *
   * @throws GateException when that cannot be told from others any more
   */
  void release(RouteNetlink netlink, long epoch) {
    watches.forEach(DownWatch::require);
    out.release(netlink, epoch);
  }

  /** All leaves in its order, and later frames pass. */
  void open(RouteNetlink netlink) {
    out.open(netlink);
    watches.forEach(DownWatch::forget);
  }

  /** Ends what this process has of it; the gate stays. */
  @Override
  public void close() {
    watches.forEach(DownWatch::close);
    out.close();
    in.ifPresent(InboundGate::close);
  }

  /** What it is made of. */
  LeftGates links() {
    List<GateLink> all = new ArrayList<>(out.links());
    in.ifPresent(gate -> all.add(gate.link()));
    return new LeftGates(all);
  }

  /** Makes a gate step by step, and knows what was made when a step fails. */
  private static final class Maker {
    private final RouteNetlink netlink;
    private final UUID vm;
    private final GatedPort port;
    private final boolean makesClassifier;

    /** Whether the port's places for filters are removed with the gate. */
    private final boolean ownsClassifier;

    private final List<GateLink> made;

    Maker(
        RouteNetlink netlink,
        UUID vm,
        GatedPort port,
        boolean ownsClassifier,
        List<GateLink> made) {
      this.netlink = netlink;
      this.vm = vm;
      this.port = port;
      this.makesClassifier = port.classifier().isEmpty();
      this.ownsClassifier = makesClassifier || ownsClassifier;
      this.made = made;
    }

    PortGate make() {
      FrameQueue out = queue();
      Optional<InboundGate> in = Optional.empty();
      try {
        if (makesClassifier) {
          netlink.request(
              TrafficControl.addClassifier(port.index()), "add clsact to " + port.name());
        }
        in = inbound();
        outwards().redirect(netlink, out.entry());
        out.attached(netlink);
        return new PortGate(port, out, in, out.links().stream().map(DownWatch::on).toList());
      } catch (RuntimeException e) {
        in.ifPresent(InboundGate::close);
        out.close();
        throw e;
      }
    }

    private Optional<InboundGate> inbound() {
      if (port.hasPlace(PortFilter.Way.TO_GUEST)) {
        return Optional.of(InboundGate.make(netlink, link(GateLink.Role.IN)));
      }
      LOG.warn(
          "{} has an ingress qdisc in place of clsact: frames for the guest that come while it is being stopped may be lost",
          port.name());
      return Optional.empty();
    }

    private PortFilter outwards() {
      return new PortFilter(port.index(), PortFilter.Way.FROM_GUEST);
    }

    private FrameQueue queue() {
      GateLink link = link(GateLink.Role.OUT);
      if (PlugQueue.install(netlink, link)) {
        return PlugQueue.of(link, outwards());
      }
      LOG.info("this kernel has no sch_plug: {} gets two token buckets instead", port.name());
      made.remove(link);
      link.remove(netlink);
      return BucketPairQueue.make(
          netlink, outwards(), bucket(GateLink.Role.FIRST), bucket(GateLink.Role.SECOND));
    }

    private ShutBucket bucket(GateLink.Role role) {
      return ShutBucket.make(netlink, link(role));
    }

    private GateLink link(GateLink.Role role) {
      GateLink link = GateLink.make(netlink, vm, port.index(), role, ownsClassifier);
      made.add(link);
      return link;
    }
  }
}

package dev.here.net;

import dev.here.ffi.KernelReply;
import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gates at all ports of a guest as one. All of them end an epoch in one request to the kernel,
 * which does it one after the other while the guest stands still.
 *
 * <p>One thread ends and releases epochs; {@link #held} and {@link #hasSent} may come from others.
 * A process that ends without {@link #close} leaves the gates as they are ({@link LeftGates}).
 */
public final class GuestGates implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GuestGates.class);

  /** At the first boundary: frames that still pass an open gate must not be counted as held. */
  private static final long SETTLE_NANOS = 50_000_000;

  /** A hypervisor that was killed gives its ports back within this. */
  private static final long ENDING_NANOS = 1_000_000_000;

  private final RouteNetlink control;
  private final RouteNetlink questions;
  private final List<PortGate> gates;
  private volatile boolean open = true;
  private volatile boolean dropped;

  private GuestGates(RouteNetlink control, RouteNetlink questions, List<PortGate> gates) {
    this.control = control;
    this.questions = questions;
    this.gates = gates;
  }

  /**
   * Makes gates at a guest's ports, open. The caller owns the VM. Needs CAP_NET_ADMIN.
   *
   * @param vm the guest's identity
   * @param ports names of interfaces of this thread's network namespace
   * @throws GateException when a port or the kernel is not fit for it; no gate is left then
   */
  public static GuestGates make(UUID vm, List<String> ports) {
    RouteNetlink control = RouteNetlink.open();
    RouteNetlink questions = RouteNetlink.open();
    List<PortGate> gates = new ArrayList<>();
    try {
      for (String port : ports) {
        gates.add(PortGate.make(control, vm, port));
      }
      return new GuestGates(control, questions, List.copyOf(gates));
    } catch (RuntimeException e) {
      for (PortGate gate : gates) {
        gate.remove(control);
        gate.close();
      }
      questions.close();
      control.close();
      throw e;
    }
  }

  /**
   * Tells each gate, also where an earlier one failed.
   *
   * @throws GateException what the first that failed says
   */
  private void each(Consumer<PortGate> what) {
    List<GateException> failures = new ArrayList<>();
    for (PortGate gate : gates) {
      try {
        asked(() -> {
          what.accept(gate);
          return true;
        });
      } catch (GateException e) {
        failures.add(e);
      }
    }
    if (!failures.isEmpty()) {
      throw failures.getFirst();
    }
  }

  private static <T> T asked(Supplier<T> what) {
    try {
      return what.get();
    } catch (NativeException e) {
      throw new GateException(
          "a gate does not do as it is told: %s; see `ip -d link` and `tc qdisc`"
              .formatted(e.getMessage()),
          e);
    }
  }

  /**
   * The guest stands still at the end of {@code epoch}: later frames are held for a later one.
   * Where an earlier epoch has not been released its frames and this one's leave later: those of
   * one boundary at a time can be told apart.
   *
   * @throws GateException when frames may pass a gate by, or it does not hold right. Gates that
   *     were open are open then; of others some may have ended the epoch
   */
  public void endEpoch(long epoch) {
    if (!open) {
      bound(epoch);
      return;
    }
    try {
      requireEmpty();
      bound(epoch);
      open = false;
    } catch (GateException e) {
      open();
      throw e;
    }
  }

  private void requireEmpty() {
    if (!Draining.await(() -> asked(() -> total(control).frames()) == 0, SETTLE_NANOS)) {
      throw new GateException(
          "%d frames that pass open gates have not left: the next checkpoint tries again"
              .formatted(asked(() -> total(control).frames())));
    }
  }

  private void bound(long epoch) {
    List<List<NetlinkMessage>> messages =
        gates.stream().map(gate -> gate.out().boundary()).toList();
    Iterator<KernelReply> replies =
        asked(() -> control.exchange(messages.stream().flatMap(List::stream).toList(), "end epoch"))
            .iterator();
    Iterator<List<NetlinkMessage>> asked = messages.iterator();
    each(gate -> {
      gate.out().bounded(epoch, asked.next().stream().map(each -> replies.next()).toList());
      gate.watches().forEach(DownWatch::require);
    });
  }

  /** Frames of {@code epoch} and all before leave. The caller's lease is certain now. */
  public void release(long epoch) {
    each(gate -> gate.release(control, epoch));
  }

  /**
   * Everything held leaves, later frames pass. The caller's lease is certain now. A gate that does
   * not open is removed, so that the guest has its network.
   */
  public void open() {
    for (PortGate gate : gates) {
      try {
        gate.open(control);
      } catch (NativeException | GateException e) {
        LOG.warn("the gate at {} does not open: {}", gate.port().name(), e.getMessage());
        remove(gate);
      }
    }
    open = true;
  }

  /** Everything held is thrown away, later frames too, until the gates are removed. */
  public void drop() {
    dropped = true;
    for (PortGate gate : gates) {
      try {
        new LeftGates(gate.out().links()).drop(control);
      } catch (NativeException e) {
        // It goes on holding, which is as good until it is removed.
        LOG.warn("the gate at {} does not drop: {}", gate.port().name(), e.getMessage());
      }
    }
  }

  /** The guest is about to be stopped: frames for it wait. */
  public void holdInbound() {
    inbound(gate -> gate.hold(control));
  }

  /** The guest runs: frames for it go to it. */
  public void passInbound() {
    inbound(gate -> gate.pass(control));
  }

  private void inbound(Consumer<InboundGate> what) {
    each(gate -> gate.in().ifPresent(what));
  }

  /** Whether frames that the guest sent since the last boundary are held. */
  public boolean hasSent() {
    synchronized (questions) {
      return holds() && asked(() -> gates.stream().anyMatch(gate -> gate.out().hasNew(questions)));
    }
  }

  /** Frames held now. */
  public HeldFrames held() {
    synchronized (questions) {
      return dropped ? HeldFrames.NONE : asked(() -> total(questions));
    }
  }

  private HeldFrames total(RouteNetlink netlink) {
    return gates.stream()
        .map(gate -> gate.out().held(netlink))
        .reduce(HeldFrames.NONE, HeldFrames::plus);
  }

  /** Whether a gate is about to be full, and would lose frames as a full link does. */
  public boolean isFilling() {
    synchronized (questions) {
      return holds()
          && asked(() ->
              gates.stream()
                  .map(PortGate::out)
                  .anyMatch(out -> out.isFilling(out.held(questions))));
    }
  }

  /** Whether frames are held, which leave only by a word of the VM's owner. */
  public boolean holds() {
    return !open && !dropped;
  }

  /**
   * Removes the gates. They stay as they are ({@link LeftGates}) where they still hold, and where
   * they drop while the guest may still send: it would be heard again.
   */
  @Override
  public void close() {
    if (dropped) {
      gates.forEach(this::removeDropping);
    } else if (!open) {
      LOG.debug("gates stay, and hold");
    } else {
      gates.forEach(this::remove);
    }
    gates.forEach(PortGate::close);
    control.close();
    synchronized (questions) {
      questions.close();
    }
  }

  private void removeDropping(PortGate gate) {
    try {
      LeftGates links = gate.links();
      if (Draining.await(() -> !links.haveGuest(control), ENDING_NANOS)) {
        links.remove(control);
      } else {
        LOG.info("the gate at {} stays, and drops: a guest is there", gate.port().name());
      }
    } catch (NativeException e) {
      LOG.warn("the gate at {} is not removed: {}", gate.port().name(), e.getMessage());
    }
  }

  private void remove(PortGate gate) {
    try {
      gate.remove(control);
    } catch (NativeException e) {
      LOG.warn("the gate at {} is not removed: {}", gate.port().name(), e.getMessage());
    }
  }
}

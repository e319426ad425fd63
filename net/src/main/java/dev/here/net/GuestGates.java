package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

  private final RouteNetlink control;
  private final RouteNetlink questions;
  private final List<PortGate> gates;
  private volatile boolean open = true;
  private volatile boolean dropped;

  /** The last epoch that ended with a boundary at all gates. */
  private volatile long bounded;

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
      gates.forEach(gate -> gate.remove(control));
      questions.close();
      control.close();
      throw e;
    }
  }

  private static void told(Runnable what) {
    asked(() -> {
      what.run();
      return true;
    });
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
   */
  public void endEpoch(long epoch) {
    if (open) {
      Draining.await(() -> total(control).frames() == 0, SETTLE_NANOS);
    }
    List<NetlinkMessage> messages =
        gates.stream().map(gate -> gate.out().boundary()).flatMap(Optional::stream).toList();
    if (messages.size() < gates.size()) {
      return;
    }
    told(() -> control.request(messages, "end an epoch"));
    gates.forEach(gate -> gate.out().bounded());
    open = false;
    bounded = epoch;
  }

  /** Frames of {@code epoch} and all before leave. The caller's lease is certain now. */
  public void release(long epoch) {
    if (bounded <= epoch) {
      told(() -> gates.forEach(gate -> gate.out().release(control)));
    }
  }

  /**
   * Everything held leaves, later frames pass. The caller's lease is certain now. A gate that does
   * not open is removed, so that the guest has its network.
   */
  public void open() {
    for (PortGate gate : gates) {
      try {
        gate.out().open(control);
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
        LOG.warn("the gate at {} is gone: {}", gate.port().name(), e.getMessage());
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
    told(() -> gates.stream().map(PortGate::in).flatMap(Optional::stream).forEach(what));
  }

  /** Whether frames that the guest sent since the last boundary are held. */
  public boolean hasSent() {
    synchronized (questions) {
      return holds()
          && asked(() -> gates.stream().anyMatch(gate -> gate.out().hasNew(questions)));
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

  /** Removes the gates; where they still hold they stay as they are ({@link LeftGates}). */
  @Override
  public void close() {
    if (!holds()) {
      gates.forEach(this::remove);
    }
    control.close();
    synchronized (questions) {
      questions.close();
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

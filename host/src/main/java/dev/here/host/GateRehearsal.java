package dev.here.host;

import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.net.GateException;
import dev.here.net.GuestGates;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes through a gate's life once in a network namespace of its own, to the letting out of what it
 * holds after its maker's death. The first time in a process takes three times as long as later
 * ones, and a guest's clients wait for it: in a keeper at the first checkpoint, in a daemon after a
 * keeper's death.
 */
final class GateRehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(GateRehearsal.class);

  /** Any interface can have a gate; this kind is there where gates can be. */
  private static final String PORT = "heretrial0";

  private static final int EPOCHS = 3;

  private static final AtomicBoolean BEGUN = new AtomicBoolean();
  private static final CompletableFuture<Void> DONE = new CompletableFuture<>();

  private GateRehearsal() {}

  /**
   * Begins in the background, once a process; a failure is logged and has no other effect.
   *
   * @return completes when it is over
   */
  static CompletableFuture<Void> begin() {
    if (BEGUN.compareAndSet(false, true)) {
      // The namespace ends with this thread and the sockets that it makes there.
      Thread.ofPlatform().daemon().name("gate-rehearsal").start(GateRehearsal::rehearse);
    }
    return DONE;
  }

  private static void rehearse() {
    try {
      Threads.enterOwnNetwork();
      run();
    } catch (NativeException | GateException e) {
      LOG.info(
          "a gate is not rehearsed, the first checkpoint and what follows a death take longer: {}",
          e.getMessage());
    } finally {
      DONE.complete(null);
    }
  }

  /** Rehearses in this thread's network namespace. */
  static void run() {
    UUID vm = VmIdentity.of("rehearsal");
    try (RouteNetlink netlink = RouteNetlink.open()) {
      netlink.addLink(PORT, "ifb");
      netlink.up(RouteNetlink.interfaceIndex(PORT).orElseThrow(), true);
    }
    // Closed while they hold, gates stay, as those of a keeper that died.
    try (GuestGates gates = GuestGates.make(vm, List.of(PORT))) {
      for (long epoch = 1; epoch <= EPOCHS; epoch++) {
        gates.holdInbound();
        gates.endEpoch(epoch);
        gates.passInbound();
        gates.release(epoch);
        LOG.trace("{} {} {}", gates.hasSent(), gates.isFilling(), gates.held());
      }
      gates.holdInbound();
    }
    var left = new LeftFrames(vm);
    left.letOut();
    left.letIn();
    left.removeOpen();
  }
}

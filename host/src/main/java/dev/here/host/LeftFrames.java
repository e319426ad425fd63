package dev.here.host;

import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.net.LeftGates;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the gates at a guest's ports hold after their keeper's end. Only for who owns the VM, or
 * when it does not run here any more.
 *
 * @param vm the guest's identity
 */
record LeftFrames(UUID vm) implements LeftNetwork {
  private static final Logger LOG = LoggerFactory.getLogger(LeftFrames.class);
  private static final int MOST_ATTEMPTS = 20;
  private static final long AGAIN_NANOS = 50_000_000;

  /** A hypervisor that was killed gives its ports back within this, also on a slow host. */
  private static final long ENDING_NANOS = 10_000_000_000L;

  /** Removes gates of guests that have ended together with their keepers. */
  static void removeOrphans() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates.withoutGuest(netlink).remove(netlink);
    } catch (NativeException e) {
      LOG.warn("gates whose guests have ended stay: {}", e.getMessage());
    }
  }

  /**
   * {@inheritDoc} Frames for the guest are held until {@link #letIn}, if they are: where it stands
   * still it would lose them.
   */
  @Override
  public void letOut() {
    change((netlink, gates) -> {
      gates.outward().leaveOpen(netlink);
      LOG.debug("the frames of VM {} that were held are let out", vm);
    });
  }

  @Override
  public void letIn() {
    change((netlink, gates) -> gates.inward().leaveOpen(netlink));
  }

  /** Removes gates that were let out and in, where no keeper comes that makes new ones. */
  void removeOpen() {
    change((netlink, gates) -> gates.leftOpen(netlink).remove(netlink));
  }

  /** A gate that changes meanwhile is tried again for a while: shut, it keeps its guest apart. */
  private void change(BiConsumer<RouteNetlink, LeftGates> how) {
    for (int attempt = 1; ; attempt++) {
      try (RouteNetlink netlink = RouteNetlink.open()) {
        LeftGates gates = LeftGates.ofVm(netlink, vm);
        if (!gates.isEmpty()) {
          how.accept(netlink, gates);
        }
        return;
      } catch (NativeException e) {
        if (attempt == MOST_ATTEMPTS) {
          LOG.error("the gates of VM {} stay, protect it again: {}", vm, e.getMessage());
          return;
        }
        LOG.warn("the gates of VM {} do not change yet: {}", vm, e.getMessage());
      }
      LockSupport.parkNanos(AGAIN_NANOS);
    }
  }

  /** Whether there are gates, and nobody is at any of their ports. */
  boolean haveNoGuest() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates gates = LeftGates.ofVm(netlink, vm);
      return !gates.isEmpty() && !gates.haveGuest(netlink);
    } catch (NativeException e) {
      LOG.warn("it is not seen whether the guest of VM {} is here: {}", vm, e.getMessage());
      return false;
    }
  }

  @Override
  public void drop() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates.ofVm(netlink, vm).drop(netlink);
    } catch (NativeException e) {
      // Held frames leave no more than dropped ones, as long as the gates are there.
      LOG.warn("the frames of VM {} stay held: {}", vm, e.getMessage());
    }
  }

  /**
   * {@inheritDoc} Removes the gates as soon as no guest is at their ports any more, and waits for
   * that. Where one is still there it would be heard again: the gates stay, until {@link
   * #removeOrphans}.
   */
  @Override
  public void removeWhenEnded() {
    long deadline = System.nanoTime() + ENDING_NANOS;
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates gates = LeftGates.ofVm(netlink, vm);
      while (gates.haveGuest(netlink)) {
        if (System.nanoTime() - deadline > 0) {
          LOG.error(
              "the guest of VM {} has not ended here, and its frames are dropped: end it; its gates are removed when hered starts",
              vm);
          return;
        }
        LockSupport.parkNanos(AGAIN_NANOS);
      }
      gates.remove(netlink);
    } catch (NativeException e) {
      LOG.warn("the gates of VM {} stay: {}", vm, e.getMessage());
    }
  }
}

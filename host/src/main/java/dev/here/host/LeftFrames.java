package dev.here.host;

import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.net.HeldFrames;
import dev.here.net.LeftGates;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the gates at a guest's ports hold after their keeper's end. Only for who owns the VM, or
 * when it runs elsewhere.
 *
 * @param vm the guest's identity
 */
record LeftFrames(UUID vm) {
  private static final Logger LOG = LoggerFactory.getLogger(LeftFrames.class);

  /** Removes gates of guests that have ended together with their keepers. */
  static void removeOrphans() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates.withoutGuest(netlink).remove(netlink);
    } catch (NativeException e) {
      LOG.warn("gates whose guests have ended stay: {}", e.getMessage());
    }
  }

  /** Lets out what is held and removes the gates. No standby may take over any more. */
  void letOut() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates gates = LeftGates.ofVm(netlink, vm);
      if (!gates.isEmpty()) {
        HeldFrames held = gates.held(netlink);
        gates.letOut(netlink);
        LOG.info("{} frames that were held are let out, and the gates are gone", held.frames());
      }
    } catch (NativeException e) {
      LOG.warn("the frames of VM {} stay held: {}", vm, e.getMessage());
    }
  }

  /** Drops what is held and what comes: the guest goes on elsewhere. */
  void drop() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates.ofVm(netlink, vm).drop(netlink);
    } catch (NativeException e) {
      LOG.warn("the frames of VM {} stay held: {}", vm, e.getMessage());
    }
  }

  /** Removes the gates of a guest that has ended here. */
  void remove() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LeftGates.ofVm(netlink, vm).remove(netlink);
    } catch (NativeException e) {
      LOG.warn("the gates of VM {} stay: {}", vm, e.getMessage());
    }
  }
}

package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.ThreadScratch;

/**
 * Notices that an interface of a gate was set down, also when it is up again: then its queue was
 * emptied, and what comes is taken for what was in it. The kernel tells a packet socket on the
 * interface, which keeps it until it is asked (net/packet/af_packet.c, packet_notifier). For one
 * thread.
 */
final class DownWatch implements AutoCloseable {
  /** For local experiments (IEEE 802): an ifb receives no frame as its own, of this kind or any. */
  private static final int ETHER_TYPE = 0x88b5;

  private final GateLink link;
  private final PacketSocket socket;
  private boolean wasDown;

  private DownWatch(GateLink link, PacketSocket socket) {
    this.link = link;
    this.socket = socket;
  }

  /** Begins to watch an interface that is up. */
  static DownWatch on(GateLink link) {
    return new DownWatch(link, PacketSocket.open(link.index(), ETHER_TYPE));
  }

  private void look() {
    int result;
    do {
      result = socket.receive(ThreadScratch.segment());
      wasDown |= result == -Errno.ENETDOWN;
    } while (result >= 0 || result == -Errno.ENETDOWN);
  }

  /**
   * Does nothing when the interface was up all the time.
   *
   * @throws GateException when it was not; again and again, until {@link #forget}
   */
  void require() {
    look();
    if (wasDown) {
      throw new GateException(
          "someone has set interface %d down, in which frames of interface %d are held: they are lost, and later ones would be taken for them. See `ip link`, and protect the guest again"
              .formatted(link.index(), link.port()));
    }
  }

  /** All frames pass now: what was lost before is of no consequence. */
  void forget() {
    look();
    wasDown = false;
  }

  @Override
  public void close() {
    socket.close();
  }
}

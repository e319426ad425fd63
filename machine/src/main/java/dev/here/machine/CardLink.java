package dev.here.machine;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The outside of one of a guest's network cards: what its port on the host is joined to. A guest's
 * cards are in the order of rising PCI address.
 *
 * @param bridge the bridge that the port is in; empty for none
 * @param mtuBytes largest payload of a frame that the port takes to the guest, 68 to 65535; 0 when
 *     it is not known
 * @param queuePairs queue pairs that the port has for the guest, 1 to 256 (MAX_TAP_QUEUES of
 *     drivers/net/tun.c)
 * @param vlans the port's VLANs; empty when the bridge does not filter VLANs
 */
public record CardLink(String bridge, int mtuBytes, int queuePairs, Optional<PortVlans> vlans) {
  /** Most cards of a guest. */
  public static final int MAX_CARDS = 16;

  /** Most queue pairs of a card. */
  public static final int MAX_QUEUE_PAIRS = 256;

  /** A card of which nothing is known: all that a peer of protocol version 1 can tell. */
  public static final CardLink UNKNOWN = new CardLink("", 0, 1, Optional.empty());

  private static final int MAX_NAME_BYTES = 15;
  private static final int MIN_MTU_BYTES = 68;
  private static final int MAX_MTU_BYTES = 65535;

  public CardLink {
    int length = bridge.getBytes(StandardCharsets.UTF_8).length;
    Bounds.range("card.bridge.length", length, 0, MAX_NAME_BYTES);
    // What the kernel refuses in a name (dev_valid_name), and what would garble a message.
    if (bridge.chars().anyMatch(c -> c <= ' ' || c == '/' || c == ':' || c == 127)) {
      throw new InvalidMachineStateException("a card's bridge has a name that no bridge can have");
    }
    if (mtuBytes != 0) {
      Bounds.range("card.mtuBytes", mtuBytes, MIN_MTU_BYTES, MAX_MTU_BYTES);
    }
    Bounds.range("card.queuePairs", queuePairs, 1, MAX_QUEUE_PAIRS);
  }
}

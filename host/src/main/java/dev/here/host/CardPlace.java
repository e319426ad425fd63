package dev.here.host;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.RouteNetlink;
import dev.here.formats.wire.RefusalCode;
import dev.here.machine.CardLink;
import dev.here.machine.PortVlans;
import dev.here.replication.RefusedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where a card of a guest that may come here will be joined to the network. There is one only if
 * the bridge carries all that the card has at its own host.
 *
 * @param card what the card is joined to there
 * @param bridge the bridge here, as it is now
 */
record CardPlace(CardLink card, LinkFacts bridge) {
  /**
   * The places of a guest's cards, in their order.
   *
   * @throws RefusedException naming the first card that cannot be joined as it has to be, the
   *     bridge, and the remedy
   */
  static List<CardPlace> of(HostConfig config, List<CardLink> cards) {
    // A peer of version 1 does not say whether its guest has a card at all.
    if (config.bridges().none() && cards.equals(List.of(CardLink.UNKNOWN))) {
      return List.of();
    }
    return find(
        config.name(),
        cards,
        (number, card) ->
            config
                .bridges()
                .of(card.bridge())
                .orElseThrow(() ->
                    refusal(
                        "host %s has no bridge for card %d of the guest%s: start its hered with --bridge BRIDGE"
                            .formatted(config.name(), number, there(card)))));
  }

  /**
   * The places of the cards of a guest whose own configuration joins them to bridges of the same
   * names here as there. Cards that are in no bridge have none.
   *
   * @throws RefusedException as {@link #of}; and for VLANs, which scripts of Xen do not set
   */
  static List<CardPlace> ofSameNames(String host, List<CardLink> cards) {
    for (int at = 0; at < cards.size(); at++) {
      CardLink card = cards.get(at);
      Optional<PortVlans> own = card.vlans().filter(vlans -> !vlans.equals(PortVlans.USUAL));
      if (own.isPresent()) {
        throw refusal(
            "card %d of the guest has VLANs of its own (%s), which Xen does not set for a domain on host %s: protect it to a host with KVM"
                .formatted(at + 1, own.get(), host));
      }
    }
    return find(host, cards, (number, card) -> card.bridge());
  }

  private interface Choice {
    /** The bridge for a card; empty for none. */
    String bridge(int number, CardLink card);
  }

  private static List<CardPlace> find(String host, List<CardLink> cards, Choice choice) {
    List<CardPlace> places = new ArrayList<>();
    try (RouteNetlink netlink = RouteNetlink.open()) {
      for (int at = 0; at < cards.size(); at++) {
        String bridge = choice.bridge(at + 1, cards.get(at));
        if (!bridge.isEmpty()) {
          places.add(find(netlink, host, at + 1, cards.get(at), bridge));
        }
      }
    }
    return places;
  }

  private static CardPlace find(
      RouteNetlink netlink, String host, int number, CardLink card, String bridge) {
    LinkFacts facts =
        LinkFacts.find(netlink, bridge)
            .filter(found -> found.kind().equals(LinkFacts.BRIDGE))
            .orElseThrow(() ->
                refusal(
                    "there is no bridge '%s' on host %s, which card %d of the guest%s has to join: make it or start hered there with another --bridge"
                        .formatted(bridge, host, number, there(card))));
    if (card.mtuBytes() > facts.mtuBytes()) {
      throw refusal(
          "bridge %s of host %s carries %d octets, card %d needs %d: raise its MTU"
              .formatted(bridge, host, facts.mtuBytes(), number, card.mtuBytes()));
    }
    if (card.vlans().isPresent() && !facts.vlanFiltering()) {
      throw refusal(
          "bridge %s of host %s does not filter VLANs, card %d has %s: ip link set %s type bridge vlan_filtering 1"
              .formatted(bridge, host, number, card.vlans().get(), bridge));
    }
    return new CardPlace(card, facts);
  }

  private static String there(CardLink card) {
    return card.bridge().isEmpty() ? "" : " (in bridge " + card.bridge() + " at its own host)";
  }

  private static RefusedException refusal(String reason) {
    return new RefusedException(RefusalCode.UNSUITABLE, reason);
  }

  /** For people: the bridge, and VLANs that are set. */
  @Override
  public String toString() {
    return bridge.name() + card.vlans().map(vlans -> " (" + vlans + ")").orElse("");
  }
}

package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Frames that an interface has carried since it was made (struct rtnl_link_stats64,
 * linux/if_link.h).
 *
 * @param received taken in
 * @param sent given out
 * @param receivedDropped of the received
 * @param sentDropped of those that were to be sent
 */
public record LinkTraffic(long received, long sent, long receivedDropped, long sentDropped) {
  static final int IFLA_STATS64 = 23;
  static final int RECEIVED_OFFSET = 0;
  static final int SENT_OFFSET = 8;
  static final int RECEIVED_DROPPED_OFFSET = 48;
  static final int SENT_DROPPED_OFFSET = 56;

  /** Of an interface by its index; empty when it is gone. */
  public static Optional<LinkTraffic> of(RouteNetlink netlink, int index) {
    return LinkFacts.message(netlink, index)
        .flatMap(message -> LinkFacts.attributes(message).find(IFLA_STATS64))
        .map(NetlinkAttributes.Attribute::value)
        .filter(value -> value.remaining() >= SENT_DROPPED_OFFSET + 8)
        .map(LinkTraffic::decode);
  }

  private static LinkTraffic decode(ByteBuffer value) {
    ByteBuffer in = value.order(ByteOrder.nativeOrder());
    return new LinkTraffic(
        in.getLong(RECEIVED_OFFSET),
        in.getLong(SENT_OFFSET),
        in.getLong(RECEIVED_DROPPED_OFFSET),
        in.getLong(SENT_DROPPED_OFFSET));
  }
}

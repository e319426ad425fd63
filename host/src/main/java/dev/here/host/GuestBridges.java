package dev.here.host;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which bridge of this host a guest's card joins, by the bridge that it is in at its own host.
 *
 * @param usual for cards whose bridge is not in {@code bySource}; empty for none
 * @param bySource bridges here by the names of bridges of the guests' hosts
 */
public record GuestBridges(String usual, Map<String, String> bySource) {
  public GuestBridges {
    bySource = Map.copyOf(bySource);
  }

  /**
   * Reads what a user says.
   *
   * @param words each {@code BRIDGE}, once at most, or {@code SOURCE=BRIDGE}
   * @throws HostException naming the word that is not usable
   */
  public static GuestBridges parse(List<String> words) {
    String usual = "";
    Map<String, String> bySource = new HashMap<>();
    for (String word : words) {
      int equals = word.indexOf('=');
      String source = word.substring(0, Math.max(equals, 0));
      String bridge = word.substring(equals + 1);
      if (bridge.isEmpty() || equals == 0) {
        throw new HostException(
            "'%s' names no bridge: expected BRIDGE or SOURCE=BRIDGE".formatted(word));
      }
      String before = equals < 0 ? usual : bySource.getOrDefault(source, "");
      if (!before.isEmpty()) {
        throw new HostException(
            "cards %s cannot join both bridge %s and bridge %s"
                .formatted(equals < 0 ? "of all bridges" : "of bridge " + source, before, bridge));
      }
      if (equals < 0) {
        usual = bridge;
      } else {
        bySource.put(source, bridge);
      }
    }
    return new GuestBridges(usual, bySource);
  }

  /** Whether no card has a bridge here. */
  boolean none() {
    return usual.isEmpty() && bySource.isEmpty();
  }

  /** The bridge here for a card; {@code source} is empty when it is in none at its host. */
  Optional<String> of(String source) {
    return Optional.of(bySource.getOrDefault(source, usual)).filter(bridge -> !bridge.isEmpty());
  }
}

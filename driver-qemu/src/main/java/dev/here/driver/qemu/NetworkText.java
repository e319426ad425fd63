package dev.here.driver.qemu;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads {@code info network} (QEMU's net/net.c prints it): back ends by id, with their kind, their
 * options and the filters on them.
 *
 * @param backends by id
 * @param hubs true if there are emulated hubs ({@code -net} options)
 */
record NetworkText(Map<String, Backend> backends, boolean hubs) {
  private static final int MAX_LINES = 4096;
  private static final Pattern CLIENT =
      Pattern.compile("(?: \\\\ )?(\\S+): index=(\\d{1,6}),type=([a-z0-9-]+),(.*)");
  private static final Pattern FILTER = Pattern.compile("\\s*- (\\S+): type=(\\S+?),?(?:\\s.*)?");

  /**
   * A back end.
   *
   * @param kind for example tap
   * @param options the rest of its line
   * @param queues how many of the same id there are
   * @param filters ids of the filters on it
   */
  record Backend(String kind, String options, int queues, List<String> filters) {}

  NetworkText {
    backends = Map.copyOf(backends);
  }

  Optional<Backend> backend(String id) {
    return Optional.ofNullable(backends.get(id));
  }

  static NetworkText parse(String text) {
    var found = new LinkedHashMap<String, Backend>();
    boolean hubs = false;
    String last = "";
    for (String line : text.lines().limit(MAX_LINES).toList()) {
      hubs |= line.startsWith("hub ");
      Matcher client = CLIENT.matcher(line);
      Matcher filter = FILTER.matcher(line);
      if (client.matches() && !client.group(3).equals("nic")) {
        last = client.group(1);
        Backend before = found.get(last);
        int queues = before == null ? 1 : before.queues() + 1;
        var filters = before == null ? new ArrayList<String>() : before.filters();
        found.put(last, new Backend(client.group(3), client.group(4), queues, filters));
      } else if (filter.matches() && found.containsKey(last)) {
        found.get(last).filters().add(filter.group(1));
      }
    }
    return new NetworkText(found, hubs);
  }
}

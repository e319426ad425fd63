package dev.here.lab;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.here.ffi.Libc;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.json.JsonMapper;

/**
 * Looks at every frame that leaves a host for a network of guests, at the host's port in the rack.
 * Runs inside the lab's namespaces; {@link NumberWatch} starts and steers it.
 *
 * <p>Arguments: the names of hosts. Standard input: its end, or a line, ends it. Standard output:
 * {@code {"type":"ready"}}; {@code {"type":"number","value":SIGHTING}} for each numbered frame of
 * the guest's service; at the end {@code {"type":"traffic","value":TRAFFIC}} for each kind of
 * traffic, and {@code {"type":"end","value":DROPPED}} with the frames that it was too slow for.
 */
public final class NumberSniffer {
  private static final int FRAME_BYTES = 2048;
  private static final int BUFFER_BYTES = 8 << 20;
  private static final int WAIT_MILLIS = 100;
  private static final int MAC_BYTES = 6;
  private static final int POLLFD_BYTES = 8;
  private static final List<HostNetwork> NETWORKS = List.of(HostNetwork.DATA, HostNetwork.TRUNK);

  /** A host's port of a network. */
  private record Port(String host, HostNetwork network, PacketSocket socket) {}

  private record Kind(String host, String network, String mac, int vlan) {}

  private final JsonMapper json = JsonMapper.builder().build();
  private final Map<Kind, Long> counts = new LinkedHashMap<>();
  private final AtomicBoolean finished = new AtomicBoolean();
  private final List<Port> ports = new ArrayList<>();
  private final PrintStream out;

  private NumberSniffer(List<String> hosts, PrintStream out) {
    this.out = out;
    for (String host : hosts) {
      for (HostNetwork network : NETWORKS) {
        String tap = network.tap(host);
        int index =
            RouteNetlink.interfaceIndex(tap)
                .orElseThrow(() -> new LabException("the rack has no port " + tap));
        ports.add(new Port(host, network, PacketSocket.watch(index, BUFFER_BYTES)));
      }
    }
  }

  /** Runs until its input ends. */
  public static void main(String[] arguments) {
    NumberSniffer sniffer = new NumberSniffer(List.of(arguments), System.out);
    Thread.ofPlatform().daemon().start(sniffer::awaitEnd);
    sniffer.watch();
    System.exit(0);
  }

  private void awaitEnd() {
    try {
      System.in.read();
    } catch (IOException e) {
      System.err.println("the sniffer's input broke: " + e.getMessage());
    }
    finished.set(true);
  }

  private void print(String type, Object value) {
    out.println(json.writeValueAsString(Map.of("type", type, "value", value)));
    out.flush();
  }

  private void watch() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(FRAME_BYTES);
      MemorySegment waited = arena.allocate((long) POLLFD_BYTES * ports.size(), 8);
      for (int i = 0; i < ports.size(); i++) {
        waited.set(JAVA_INT, (long) i * POLLFD_BYTES, ports.get(i).socket.descriptor().number());
        waited.set(JAVA_SHORT, (long) i * POLLFD_BYTES + 4, (short) Libc.POLLIN);
      }
      print("ready", "");
      boolean last;
      do {
        last = finished.get();
        Libc.poll(waited, ports.size(), last ? 0 : WAIT_MILLIS);
        ports.forEach(port -> drain(port, frame));
      } while (!last);
    }
    counts.forEach((kind, frames) -> print("traffic", traffic(kind, frames)));
    print("end", ports.stream().mapToLong(port -> port.socket.dropped()).sum());
  }

  private static NumberWatch.Traffic traffic(Kind kind, long frames) {
    return new NumberWatch.Traffic(kind.host, kind.network, kind.mac, kind.vlan, frames);
  }

  private void drain(Port port, MemorySegment frame) {
    for (Optional<PacketSocket.Arrival> next = port.socket.arrival(frame);
        next.isPresent();
        next = port.socket.arrival(frame)) {
      take(port, frame, next.get());
    }
  }

  private void take(Port port, MemorySegment frame, PacketSocket.Arrival arrival) {
    int vlan = arrival.vlan().orElse(0);
    String mac =
        HexFormat.ofDelimiter(":")
            .formatHex(frame.asSlice(MAC_BYTES, MAC_BYTES).toArray(JAVA_BYTE));
    counts.merge(new Kind(port.host, port.network.label(), mac, vlan), 1L, Long::sum);
    NumberText.in(frame.asSlice(0, arrival.sizeBytes()))
        .ifPresent(text ->
            print(
                "number",
                new NumberedFrames.Sighting(
                    port.host, text.card(), vlan, text.number(), text.boot(), System.nanoTime())));
  }

  /**
   * The text of a numbered frame: "here-number CARD NUMBER BOOT" in an IPv4 datagram without
   * options (RFC 791, RFC 768).
   */
  record NumberText(int card, long number, String boot) {
    private static final int TEXT_AT = 14 + 20 + 8;
    private static final Pattern TEXT =
        Pattern.compile("here-number ([0-9]) ([0-9]{1,18}) ([0-9a-f-]{1,40})");

    static Optional<NumberText> in(MemorySegment frame) {
      if (frame.byteSize() <= TEXT_AT) {
        return Optional.empty();
      }
      String text =
          new String(frame.asSlice(TEXT_AT).toArray(JAVA_BYTE), StandardCharsets.ISO_8859_1);
      Matcher matcher = TEXT.matcher(text);
      return matcher.lookingAt()
          ? Optional.of(
              new NumberText(
                  Integer.parseInt(matcher.group(1)),
                  Long.parseLong(matcher.group(2)),
                  matcher.group(3)))
          : Optional.empty();
    }
  }
}

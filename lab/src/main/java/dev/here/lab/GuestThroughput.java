package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads one TCP stream of the guest's service (guestd.c, port 19) to its end and times it. Runs
 * inside the lab's namespaces; {@link Lab#throughput} starts it.
 *
 * <p>Arguments: address, octets. Standard output: {@code {"value":StreamFigures}}.
 */
public final class GuestThroughput {
  private static final int PORT = 19;
  private static final int PATIENCE_MILLIS = 120_000;
  private static final int BLOCK_BYTES = 1 << 16;

  private GuestThroughput() {}

  /** Measures once. */
  public static void main(String[] arguments) throws IOException {
    StreamFigures figures = measure(arguments[0], Long.parseLong(arguments[1]));
    System.out.println(JsonMapper.builder().build().writeValueAsString(Map.of("value", figures)));
  }

  private static StreamFigures measure(String address, long octets) throws IOException {
    try (Socket socket = new Socket(address, PORT)) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      long began = System.nanoTime();
      socket
          .getOutputStream()
          .write("send %d\n".formatted(octets).getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      byte[] block = new byte[BLOCK_BYTES];
      long firstNanos = 0;
      for (long left = octets; left > 0; ) {
        int size = in.read(block, 0, (int) Math.min(left, block.length));
        if (size < 0) {
          throw new IOException("the guest ended the stream %d octets early".formatted(left));
        }
        firstNanos = left == octets ? System.nanoTime() - began : firstNanos;
        left -= size;
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      int buffer = socket.getReceiveBufferSize();
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
      return figures(octets, seconds, firstNanos / 1e6, buffer, lines.lines().toList());
    }
  }

  /** The guest's lines: "stream KEY=VALUE..." for each sample, then "end KEY=VALUE...". */
  static StreamFigures figures(
      long octets, double seconds, double firstMillis, int buffer, List<String> lines)
      throws IOException {
    List<Map<String, Long>> samples = new ArrayList<>();
    for (String line : lines) {
      Map<String, String> words = words(line);
      if (line.startsWith("stream ")) {
        samples.add(numbers(words));
      } else if (line.startsWith("end ")) {
        String algorithm = words.getOrDefault("congestion_control", "unknown");
        words.remove("congestion_control");
        return new StreamFigures(
            octets, seconds, firstMillis, buffer, algorithm, numbers(words), samples);
      }
    }
    throw new IOException("the guest did not tell its side of the stream to the end: " + lines);
  }

  private static Map<String, String> words(String line) {
    Map<String, String> words = new HashMap<>();
    for (String word : line.split(" ", -1)) {
      int equals = word.indexOf('=');
      if (equals > 0) {
        words.put(word.substring(0, equals), word.substring(equals + 1));
      }
    }
    return words;
  }

  private static Map<String, Long> numbers(Map<String, String> words) {
    Map<String, Long> numbers = new HashMap<>();
    words.forEach((key, value) -> numbers.put(key, Long.parseUnsignedLong(value)));
    return numbers;
  }
}

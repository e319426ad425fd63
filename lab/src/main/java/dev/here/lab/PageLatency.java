package dev.here.lab;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * Fetches the guest's web page (port 80) again and again, each on a connection of its own, and
 * measures how long each takes. Runs inside the lab's namespaces; {@link Lab#pages} starts it.
 *
 * <p>Arguments: address, pages, mean pause between two in milliseconds. Each pause is another one,
 * from none to twice the mean: a page of a protected guest ends with a checkpoint's commit, and
 * after pauses of one length all requests would come at the same time of an epoch. Standard output:
 * {@code {"value":PageFigures}}.
 */
public final class PageLatency {
  private static final int PORT = 80;
  private static final int PATIENCE_MILLIS = 120_000;
  private static final byte[] REQUEST =
      "GET / HTTP/1.0\r\nHost: guest\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final long[] connect;
  private final long[] first;
  private final long[] whole;

  private PageLatency(int pages) {
    connect = new long[pages];
    first = new long[pages];
    whole = new long[pages];
  }

  /** Measures once. */
  public static void main(String[] arguments) throws IOException {
    PageLatency pages = new PageLatency(Integer.parseInt(arguments[1]));
    long pauseNanos = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(arguments[2]));
    RandomGenerator random = RandomGenerator.getDefault();
    for (int i = 0; i < pages.whole.length; i++) {
      pages.fetch(arguments[0], i);
      LockSupport.parkNanos(random.nextLong(2 * pauseNanos + 1));
    }
    System.out.println(
        JsonMapper.builder().build().writeValueAsString(Map.of("value", pages.figures())));
  }

  private void fetch(String address, int index) throws IOException {
    long began = System.nanoTime();
    try (Socket socket = new Socket()) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(PATIENCE_MILLIS);
      socket.connect(new InetSocketAddress(address, PORT), PATIENCE_MILLIS);
      connect[index] = System.nanoTime() - began;
      socket.getOutputStream().write(REQUEST);
      InputStream in = socket.getInputStream();
      byte[] page = new byte[4096];
      int used = Math.max(0, in.read(page));
      first[index] = System.nanoTime() - began;
      for (int size = in.read(page, used, page.length - used);
          size > 0;
          size = in.read(page, used, page.length - used)) {
        used += size;
      }
      whole[index] = System.nanoTime() - began;
      String text = new String(page, 0, used, StandardCharsets.US_ASCII);
      if (!text.contains("guest of HERE")) {
        throw new IOException("page %d is not the guest's: %s".formatted(index, text));
      }
    }
  }

  private PageFigures figures() {
    return new PageFigures(whole.length, part(connect), part(first), part(whole));
  }

  /** Nearest rank: of 100 values the 50th and the 99th. */
  static PageFigures.Part part(long[] nanos) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    return new PageFigures.Part(
        rank(sorted, 50), rank(sorted, 99), sorted[sorted.length - 1] / 1e6);
  }

  private static double rank(long[] sorted, int percent) {
    return sorted[(sorted.length * percent + 99) / 100 - 1] / 1e6;
  }
}

package dev.here.lab;

/**
 * How long a guest's small web page took, from the beginning of its connection. All times in
 * milliseconds.
 *
 * @param pages how many were fetched, each on a connection of its own
 * @param connect until the connection was there
 * @param first until the answer's first octets
 * @param whole until the guest had ended the connection
 */
public record PageFigures(int pages, Part connect, Part first, Part whole) {
  /** Percentiles of all pages, and the longest. */
  public record Part(double p50Millis, double p99Millis, double maxMillis) {}
}

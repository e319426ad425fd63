package dev.here.lab;

import java.util.List;
import java.util.Map;

/**
 * One TCP stream from a guest to a client in the rack.
 *
 * @param octets how many octets
 * @param seconds from the request to the last octet
 * @param firstMillis from the request to the first octet
 * @param receiveBufferOctets the client's buffer at the end, as the kernel counts it (with
 *     overhead)
 * @param congestionControl the guest's algorithm
 * @param events of the guest's TCP meanwhile, by their names in /proc/net/netstat
 * @param samples the guest's struct tcp_info (linux/tcp.h) each 100 ms by the fields' short names:
 *     times in microseconds, {@code acked} and {@code snd_wnd} in octets, {@code cwnd} in segments
 *     of {@code mss} octets
 */
public record StreamFigures(
    long octets,
    double seconds,
    double firstMillis,
    int receiveBufferOctets,
    String congestionControl,
    Map<String, Long> events,
    List<Map<String, Long>> samples) {
  /** Octets a second. */
  public double octetsPerSecond() {
    return octets / seconds;
  }

  /** The largest value of a field of all samples. */
  public long largest(String field) {
    return samples.stream().mapToLong(sample -> sample.getOrDefault(field, 0L)).max().orElse(0);
  }
}

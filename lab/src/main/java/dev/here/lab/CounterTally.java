package dev.here.lab;

import java.util.Arrays;

/** Accounts for the answers of the guest's counter; holds no connection. */
final class CounterTally {
  private long requests;
  private long lost;
  private long repeated;
  private long lastCount = -1;
  private long lastAnswerNanos = -1;
  private long longestGapNanos;
  private long[] latencies = new long[1024];
  private double firstUptime = -1;
  private long firstUptimeNanos;
  private double lastUptime;
  private long lastUptimeNanos;
  private boolean uptimeContinuous = true;
  private String boot = "";

  /** Number of the next request, from 1. */
  long nextRequest() {
    return requests + 1;
  }

  /**
   * Takes an answer "COUNT NUMBER".
   *
   * @return whether it answers the request that is waited for; an answer to an earlier one does not
   */
  boolean answer(String line, long sentNanos, long nowNanos) {
    String[] words = line.split(" ", -1);
    if (words.length != 2) {
      throw new LabException("the guest answers \"%s\" to a count".formatted(line));
    }
    long count = Long.parseLong(words[0]);
    long number = Long.parseLong(words[1]);
    if (number != nextRequest()) {
      repeated++;
      return false;
    }
    requests++;
    if (lastCount >= 0) {
      long step = count - lastCount;
      lost += Math.max(0, 1 - step);
      repeated += Math.max(0, step - 1);
    }
    lastCount = count;
    heard(nowNanos);
    latency(nowNanos - sentNanos);
    return true;
  }

  /** Forgets the longest gap so far; the one that is open counts whole. */
  void mark() {
    longestGapNanos = 0;
  }

  /** The guest has answered, whatever it was asked. */
  void heard(long nowNanos) {
    if (lastAnswerNanos >= 0) {
      longestGapNanos = Math.max(longestGapNanos, nowNanos - lastAnswerNanos);
    }
    lastAnswerNanos = nowNanos;
  }

  private void latency(long nanos) {
    int at = (int) (requests - 1);
    if (at == latencies.length) {
      latencies = Arrays.copyOf(latencies, at * 2);
    }
    latencies[at] = nanos;
  }

  /** Takes an answer "uptime BOOTTIME MONOTONIC" and the guest's boot identity. */
  void uptime(String line, String bootId, long nowNanos) {
    double uptime = Double.parseDouble(line.split(" ", -1)[1]);
    if (firstUptime < 0) {
      firstUptime = uptime;
      firstUptimeNanos = nowNanos;
      boot = bootId;
    }
    uptimeContinuous &= uptime >= lastUptime && boot.equals(bootId);
    lastUptime = uptime;
    lastUptimeNanos = nowNanos;
  }

  CounterSummary summary(String failure) {
    long[] sorted = Arrays.copyOf(latencies, (int) requests);
    Arrays.sort(sorted);
    double lag = (lastUptimeNanos - firstUptimeNanos) / 1e6 - (lastUptime - firstUptime) * 1e3;
    return new CounterSummary(
        requests,
        lost,
        repeated,
        failure.isEmpty(),
        longestGapNanos / 1e6,
        percentile(sorted, 50),
        percentile(sorted, 99),
        uptimeContinuous && firstUptime >= 0,
        lag,
        failure);
  }

  private static double percentile(long[] sorted, int percent) {
    return sorted.length == 0
        ? 0
        : sorted[(int) ((long) (sorted.length - 1) * percent / 100)] / 1e6;
  }
}

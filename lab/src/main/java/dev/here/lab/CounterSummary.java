package dev.here.lab;

/**
 * What a client of the guest's counter saw on its one connection.
 *
 * @param requests requests answered
 * @param lost answered requests whose effect was gone later
 * @param repeated requests that were executed or answered more than once
 * @param connectionKept whether the one connection lasted
 * @param outageMillis the longest time between two answers, since the last mark if there was one
 * @param latencyMillisP50 median time from a request to its answer
 * @param latencyMillisP99 99th percentile of it
 * @param guestUptimeContinuous the guest's boot stayed the same and its uptime never went back
 * @param uptimeLagMillis by how much less than ours the guest's uptime advanced; negative when more
 * @param failure why the client ended early; empty when it did not
 */
public record CounterSummary(
    long requests,
    long lost,
    long repeated,
    boolean connectionKept,
    double outageMillis,
    double latencyMillisP50,
    double latencyMillisP99,
    boolean guestUptimeContinuous,
    double uptimeLagMillis,
    String failure) {}

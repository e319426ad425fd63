package dev.here.lab;

/**
 * What an {@link EchoClient} saw.
 *
 * @param requests sent
 * @param answers that came back whole, in the VLAN
 * @param answersAstray that came back in another VLAN or without a tag
 * @param longestGapMillis longest time between two answers since the last mark
 */
public record EchoSummary(int requests, int answers, int answersAstray, double longestGapMillis) {}

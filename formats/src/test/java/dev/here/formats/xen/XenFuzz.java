package dev.here.formats.xen;

/** How long the fuzz tests of this package run; {@code -Dfuzz.rounds=N} does more of it. */
final class XenFuzz {
  static final int ROUNDS = Integer.getInteger("fuzz.rounds", 60);

  private XenFuzz() {}
}

package dev.here.bench;

import dev.here.formats.wire.Handshake;
import dev.here.replication.Protection;
import dev.here.replication.Suspicion;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

/** What both ends of a protection on this machine agree on; patient, since the machine is busy. */
final class Loopback {
  /** TCP connections that carry pages. */
  static final int STREAMS = 2;

  private static final long MILLI = 1_000_000;
  private static final byte[] TOKEN =
      "both ends of one protection".getBytes(StandardCharsets.US_ASCII);

  private Loopback() {}

  static Handshake handshake() {
    return new Handshake(TOKEN);
  }

  /** For guests that are to fail. */
  static Suspicion.Limits limits() {
    return new Suspicion.Limits(500 * MILLI, 3_000 * MILLI, 10_000 * MILLI, 2_000 * MILLI);
  }

  /** For guests that are not to fail, on a machine that has more to do than it can. */
  static Suspicion.Limits patientLimits() {
    return new Suspicion.Limits(20_000 * MILLI, 20_000 * MILLI, 20_000 * MILLI, 20_000 * MILLI);
  }

  /** With a shadow, as a protection has it by default. */
  static Protection protection(UUID vm, String vmName, int vcpus, Suspicion.Limits limits) {
    return new Protection(
        vm,
        vmName,
        vcpus,
        List.of(),
        List.of(),
        STREAMS,
        true,
        limits,
        20 * MILLI,
        60_000 * MILLI,
        60_000 * MILLI,
        60_000 * MILLI,
        20 * MILLI);
  }
}

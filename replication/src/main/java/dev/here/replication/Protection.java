package dev.here.replication;

import dev.here.formats.wire.WireProtocol;
import dev.here.machine.CardLink;
import java.util.List;
import java.util.UUID;

/**
 * What is to be protected and how.
 *
 * @param vm its identity, the same on all hosts
 * @param vmName as the user knows it
 * @param vcpus 1 to 8
 * @param disks paths of the guest's disks by rising PCI address, the same on the standby
 * @param cards what the guest's network cards are joined to, by rising PCI address
 * @param streams TCP connections that carry pages, 1 to 8
 * @param shadow keep a copy of what the standby holds: costs the guest's memory once more here,
 *     saves most of the bytes, and lets a standby be seeded again after it lost its replica
 * @param limits when the guest is suspected
 * @param heartbeatNanos how often the guest's progress is asked for and sent
 * @param connectNanos longest time for a connection's greeting
 * @param ackNanos longest time to wait for a commit
 * @param holdNanos how long frames are held when the standby is lost, before the guest goes on
 *     alone
 * @param retryNanos pause between attempts to reach the standby
 */
public record Protection(
    UUID vm,
    String vmName,
    int vcpus,
    List<String> disks,
    List<CardLink> cards,
    int streams,
    boolean shadow,
    Suspicion.Limits limits,
    long heartbeatNanos,
    long connectNanos,
    long ackNanos,
    long holdNanos,
    long retryNanos) {
  public Protection {
    disks = List.copyOf(disks);
    cards = List.copyOf(cards);
    if (streams < 1 || streams > WireProtocol.MAX_STREAMS) {
      throw new IllegalArgumentException(
          "%d data streams are not possible, take 1 to %d"
              .formatted(streams, WireProtocol.MAX_STREAMS));
    }
  }

  /** With the usual times: for hosts on one network. */
  public static Protection of(UUID vm, String vmName, int vcpus) {
    long milli = 1_000_000;
    return new Protection(
        vm,
        vmName,
        vcpus,
        List.of(),
        List.of(),
        2,
        true,
        new Suspicion.Limits(500 * milli, 1_000 * milli, 3_000 * milli, 500 * milli),
        50 * milli,
        2_000 * milli,
        5_000 * milli,
        700 * milli,
        100 * milli);
  }
}

package dev.here.replication;

import dev.here.formats.wire.WireProtocol;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The commit record of a replica (docs/specs/replica.md): which checkpoint is committed, and
 * whether its pages are already in the replica's memory. Two copies are written in turn, each
 * complete with its checksum before it counts, so a crash while one is written leaves the other.
 *
 * @param sequence rises by one a record
 * @param applied the checkpoint's pages stand in the replica's memory; otherwise they are to be
 *     copied (again) from staging
 * @param replica the replica's identity
 * @param session the protection that the checkpoint belongs to
 * @param fencingToken highest token seen
 * @param epoch the committed checkpoint; 0 while there is none
 * @param machineSlot where its machine state stands in the store
 * @param machineBytes length of the machine state
 * @param machineCrc32c CRC32C of the machine state
 * @param stagedPages pages staged by data stream
 */
record CommitRecord(
    long sequence,
    boolean applied,
    UUID replica,
    UUID session,
    long fencingToken,
    long epoch,
    int machineSlot,
    int machineBytes,
    int machineCrc32c,
    int[] stagedPages) {
  private static final long MAGIC = 0x544d4f43_45524548L; // "HERECOMT"
  private static final int VERSION = 1;
  private static final int SLOT_BYTES = 512;
  private static final int CRC_OFFSET = 120;
  private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;

  /** The newest complete record of {@code area}, if there is one. */
  static Optional<CommitRecord> newest(MemorySegment area) {
    Optional<CommitRecord> first = read(area, 0);
    Optional<CommitRecord> second = read(area, SLOT_BYTES);
    if (first.isPresent() && second.isPresent()) {
      return first.get().sequence > second.get().sequence ? first : second;
    }
    return first.or(() -> second);
  }

  /** The record after this one, with a higher fencing token. */
  CommitRecord under(long token) {
    return new CommitRecord(
        sequence + 1,
        applied,
        replica,
        session,
        token,
        epoch,
        machineSlot,
        machineBytes,
        machineCrc32c,
        stagedPages);
  }

  /** The record after this one, of a newly committed epoch whose pages are to be applied. */
  CommitRecord of(long newEpoch, int slot, int bytes, int crc32c, int[] staged) {
    return new CommitRecord(
        sequence + 1, false, replica, session, fencingToken, newEpoch, slot, bytes, crc32c, staged);
  }

  /** The record after this one: its pages are in memory. */
  CommitRecord whenApplied() {
    return new CommitRecord(
        sequence + 1,
        true,
        replica,
        session,
        fencingToken,
        epoch,
        machineSlot,
        machineBytes,
        machineCrc32c,
        new int[stagedPages.length]);
  }

  /** Writes this record over the older one of the two. */
  void write(MemorySegment area) {
    long at = sequence % 2 * SLOT_BYTES;
    area.set(U32, at + CRC_OFFSET, 0);
    VarHandle.fullFence();
    area.set(U64, at, MAGIC);
    area.set(U32, at + 8, VERSION);
    area.set(U32, at + 12, applied ? 1 : 0);
    area.set(U64, at + 16, sequence);
    area.set(U64, at + 24, replica.getMostSignificantBits());
    area.set(U64, at + 32, replica.getLeastSignificantBits());
    area.set(U64, at + 40, session.getMostSignificantBits());
    area.set(U64, at + 48, session.getLeastSignificantBits());
    area.set(U64, at + 56, fencingToken);
    area.set(U64, at + 64, epoch);
    area.set(U32, at + 72, machineSlot);
    area.set(U32, at + 76, machineBytes);
    area.set(U32, at + 80, machineCrc32c);
    area.set(U32, at + 84, stagedPages.length);
    for (int stream = 0; stream < WireProtocol.MAX_STREAMS; stream++) {
      area.set(U32, at + 88 + stream * 4L, stream < stagedPages.length ? stagedPages[stream] : 0);
    }
    int crc = crc(area, at);
    VarHandle.fullFence();
    area.set(U32, at + CRC_OFFSET, crc);
    VarHandle.fullFence();
  }

  private static Optional<CommitRecord> read(MemorySegment area, long at) {
    if (area.get(U64, at) != MAGIC
        || area.get(U32, at + 8) != VERSION
        || area.get(U32, at + CRC_OFFSET) != crc(area, at)) {
      return Optional.empty();
    }
    int streams = area.get(U32, at + 84);
    if (streams < 0 || streams > WireProtocol.MAX_STREAMS) {
      return Optional.empty();
    }
    int[] stagedPages = new int[streams];
    for (int stream = 0; stream < streams; stream++) {
      stagedPages[stream] = area.get(U32, at + 88 + stream * 4L);
    }
    return Optional.of(
        new CommitRecord(
            area.get(U64, at + 16),
            area.get(U32, at + 12) == 1,
            new UUID(area.get(U64, at + 24), area.get(U64, at + 32)),
            new UUID(area.get(U64, at + 40), area.get(U64, at + 48)),
            area.get(U64, at + 56),
            area.get(U64, at + 64),
            area.get(U32, at + 72),
            area.get(U32, at + 76),
            area.get(U32, at + 80),
            stagedPages));
  }

  private static int crc(MemorySegment area, long at) {
    CRC32C crc = new CRC32C();
    ByteBuffer octets = area.asSlice(at, CRC_OFFSET).asByteBuffer();
    crc.update(octets);
    return (int) crc.getValue();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CommitRecord record
        && sequence == record.sequence
        && applied == record.applied
        && replica.equals(record.replica)
        && session.equals(record.session)
        && fencingToken == record.fencingToken
        && epoch == record.epoch
        && machineSlot == record.machineSlot
        && machineBytes == record.machineBytes
        && machineCrc32c == record.machineCrc32c
        && Arrays.equals(stagedPages, record.stagedPages);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(sequence);
  }

  @Override
  public String toString() {
    return "commit %d of epoch %d, %s"
        .formatted(sequence, epoch, applied ? "applied" : "to be applied");
  }
}

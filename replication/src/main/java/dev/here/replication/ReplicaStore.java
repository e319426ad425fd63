package dev.here.replication;

import java.lang.foreign.MemorySegment;

/**
 * Where a replica keeps what it needs to finish an interrupted commit: staged pages, machine states
 * and the commit record (docs/specs/replica.md). What is written to its segments is there again
 * when a store of the same place is opened after a crash; the same number gives the same octets.
 * Whoever opens it closes it.
 */
public interface ReplicaStore extends AutoCloseable {
  /** Octets of the record segment. */
  int RECORD_BYTES = 4096;

  /** The commit record, {@value #RECORD_BYTES} octets, zeros in a new store. */
  MemorySegment record();

  /** Chunk {@code number} of the staging of a data stream, {@link PageLog#CHUNK_BYTES} octets. */
  MemorySegment chunk(int stream, int number);

  /** Room for machine state {@code slot} (0 or 1), {@code sizeBytes} octets at least. */
  MemorySegment machine(int slot, long sizeBytes);

  @Override
  void close();
}

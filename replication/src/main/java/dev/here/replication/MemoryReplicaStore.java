package dev.here.replication;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** A replica's store in this process's memory: it outlives the replica object, not the process. */
public final class MemoryReplicaStore implements ReplicaStore {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment record = arena.allocate(RECORD_BYTES, 64);
  private final Map<Long, MemorySegment> chunks = new HashMap<>();
  private final MemorySegment[] machines = {MemorySegment.NULL, MemorySegment.NULL};

  @Override
  public MemorySegment record() {
    return record;
  }

  @Override
  public synchronized MemorySegment chunk(int stream, int number) {
    return chunks.computeIfAbsent(
        (long) stream << 32 | number, key -> arena.allocate(PageLog.CHUNK_BYTES, 4096));
  }

  @Override
  public synchronized MemorySegment machine(int slot, long sizeBytes) {
    if (machines[slot].byteSize() < sizeBytes) {
      machines[slot] = arena.allocate(Math.max(sizeBytes, machines[slot].byteSize() * 2), 64);
    }
    return machines[slot];
  }

  @Override
  public void close() {
    arena.close();
  }
}

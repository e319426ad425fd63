package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.formats.wire.WireException;
import dev.here.machine.MemoryMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * What the standby holds of one VM: memory and machine state of exactly one committed checkpoint. A
 * commit is atomic: the commit record is its point of no return, before it nothing has changed,
 * after it the staged pages are copied to memory, again from the start if a crash came between. One
 * thread at a time.
 */
public final class Replica implements AutoCloseable {
  private static final ValueLayout.OfByte OCTET = ValueLayout.JAVA_BYTE;

  private final ReplicaStore store;
  private final MemorySegment memory;
  private final EpochStage stage;
  private final int pageCount;
  private final int streams;
  private final boolean recovered;
  private volatile CommitRecord committed;

  private Replica(
      ReplicaStore store,
      MemorySegment memory,
      int pageCount,
      boolean recovered,
      CommitRecord record) {
    this.store = store;
    this.memory = memory;
    this.pageCount = pageCount;
    this.streams = record.stagedPages().length;
    this.recovered = recovered;
    this.committed = record;
    this.stage = new EpochStage(store, pageCount, streams);
  }

  /**
   * A replica of which nothing is known yet.
   *
   * @param store empty; stays the caller's to close
   * @param memory the warm standby's memory, all zeros, as large as {@code shape} says
   * @param session the protection that it belongs to
   * @param fencingToken of the primary's lease
   */
  public static Replica create(
      ReplicaStore store,
      MemorySegment memory,
      MemoryMap shape,
      int streams,
      UUID session,
      long fencingToken) {
    checkSize(memory, shape);
    CommitRecord record =
        new CommitRecord(
            0, true, UUID.randomUUID(), session, fencingToken, 0, 0, 0, 0, new int[streams]);
    record.write(store.record());
    return new Replica(store, memory, shape.pageCount(), false, record);
  }

  /**
   * Opens the replica that {@code store} knows, and finishes the commit in which an earlier process
   * was interrupted.
   *
   * @param memory the same warm memory as before
   * @throws ReplicationException when the store holds no usable record
   */
  public static Replica recover(ReplicaStore store, MemorySegment memory, MemoryMap shape) {
    checkSize(memory, shape);
    CommitRecord record =
        CommitRecord.newest(store.record())
            .orElseThrow(() ->
                new ReplicationException(
                    "the replica's store has no complete commit record; protect the VM again"));
    Replica replica = new Replica(store, memory, shape.pageCount(), true, record);
    if (!record.applied()) {
      for (int stream = 0; stream < replica.streams; stream++) {
        replica.stage.logs()[stream].recover(record.stagedPages()[stream]);
      }
      replica.apply();
    }
    replica.stage.reset(record.epoch());
    return replica;
  }

  private static void checkSize(MemorySegment memory, MemoryMap shape) {
    if (memory.byteSize() != shape.backingSizeBytes()) {
      throw new ReplicationException(
          "the standby mapped %d octets for a guest of %d"
              .formatted(memory.byteSize(), shape.backingSizeBytes()));
    }
  }

  /** An earlier process made it: memory may hold pages of an unfinished seeding. */
  boolean isRecovered() {
    return recovered;
  }

  /** New for each replica: another value says that nothing of a session is left. */
  public UUID id() {
    return committed.replica();
  }

  /** The protection whose checkpoints it holds. */
  public UUID session() {
    return committed.session();
  }

  /** The fencing token under which the committed checkpoint was sent. */
  public long fencingToken() {
    return committed.fencingToken();
  }

  /** The committed checkpoint, 0 while there is none. */
  public long committedEpoch() {
    return committed.epoch();
  }

  /** Data streams that feed it. */
  public int streams() {
    return streams;
  }

  /** Pages of the guest. */
  public int pageCount() {
    return pageCount;
  }

  /** The replica's memory. */
  public MemorySegment memory() {
    return memory;
  }

  EpochStage stage() {
    return stage;
  }

  /** The committed machine state, encoded; empty before the first commit. */
  public Optional<byte[]> machineState() {
    if (committed.epoch() == 0) {
      return Optional.empty();
    }
    MemorySegment slot = store.machine(committed.machineSlot(), committed.machineBytes());
    byte[] state = slot.asSlice(0, committed.machineBytes()).toArray(OCTET);
    CRC32C crc = new CRC32C();
    crc.update(state);
    if ((int) crc.getValue() != committed.machineCrc32c()) {
      throw new ReplicationException(
          "the machine state of epoch %d was damaged in the replica's store; the guest cannot be"
                  .formatted(committed.epoch())
              + " started from it, protect the VM again");
    }
    return Optional.of(state);
  }

  /** Raises the fencing token: from now on checkpoints come under {@code token}. */
  void fence(long token) {
    if (token < committed.fencingToken()) {
      throw new IllegalArgumentException("a fencing token never falls");
    }
    committed = committed.under(token);
    committed.write(store.record());
  }

  /**
   * The point of no return: the staged epoch is now the committed checkpoint. {@link #apply} must
   * follow before anything else.
   */
  void record(Message.EpochEnd end, byte[] machineState) {
    if (end.epoch() <= committed.epoch()) {
      throw new WireException(
          "epoch %d is not after the committed epoch %d".formatted(end.epoch(), committed.epoch()));
    }
    int slot = 1 - committed.machineSlot();
    MemorySegment.copy(
        machineState, 0, store.machine(slot, machineState.length), OCTET, 0, machineState.length);
    int[] stagedPages = new int[streams];
    for (int stream = 0; stream < streams; stream++) {
      stagedPages[stream] = stage.logs()[stream].count();
    }
    committed =
        committed.of(end.epoch(), slot, machineState.length, end.machineCrc32c(), stagedPages);
    committed.write(store.record());
  }

  /** Copies the committed epoch's pages to memory; doing it twice changes nothing. */
  void apply() {
    for (PageLog log : stage.logs()) {
      log.applyTo(memory);
    }
    committed = committed.whenApplied();
    committed.write(store.record());
    stage.reset(committed.epoch());
  }

  @Override
  public void close() {
    stage.close();
  }
}

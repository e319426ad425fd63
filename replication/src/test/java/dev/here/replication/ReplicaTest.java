package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.wire.Message;
import dev.here.machine.MemoryMap;
import dev.here.testkit.FakeGuest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaTest {
  private static final UUID SESSION = new UUID(1, 2);

  private final Arena arena = Arena.ofShared();
  private final MemoryMap shape = new FakeGuest(1, 256).machine(0).memory();
  private final MemorySegment memory = arena.allocate(shape.backingSizeBytes(), 4096);

  @TempDir Path directory;

  @AfterEach
  void free() {
    arena.close();
  }

  private static Message.EpochEnd end(long epoch, byte[] state) {
    CRC32C crc = new CRC32C();
    crc.update(state);
    return new Message.EpochEnd(epoch, 0, (int) crc.getValue());
  }

  /** Stages page {@code index}, filled with {@code value}. */
  private static void stage(Replica replica, int stream, int index, byte value) {
    PageLog log = replica.stage().logs()[stream];
    int slot = log.reserve(index);
    log.chunk(slot).asSlice(PageLog.offset(slot), 4096).fill(value);
  }

  private byte at(int page) {
    return memory.get(ValueLayout.JAVA_BYTE, page * 4096L + 4095);
  }

  @Test
  void aCommitInterruptedAfterItsRecordIsDoneAgain() {
    byte[] state = {1, 2, 3};
    UUID id;
    try (ReplicaStore store = new FileReplicaStore(directory)) {
      Replica replica = Replica.create(store, memory, shape, 2, SESSION, 7);
      id = replica.id();
      stage(replica, 0, 3, (byte) 9);
      stage(replica, 1, 70, (byte) 8);
      replica.record(end(5, state), state);
      // The process dies here, with a part of the pages written.
      memory.asSlice(3 * 4096L, 100).fill((byte) 9);
      replica.close();
    }
    try (ReplicaStore store = new FileReplicaStore(directory)) {
      Replica replica = Replica.recover(store, memory, shape);
      assertThat(replica.committedEpoch()).isEqualTo(5);
      assertThat(replica.id()).isEqualTo(id);
      assertThat(replica.session()).isEqualTo(SESSION);
      assertThat(replica.fencingToken()).isEqualTo(7);
      assertThat(replica.machineState()).contains(state);
      assertThat(at(3)).isEqualTo((byte) 9);
      assertThat(at(70)).isEqualTo((byte) 8);
      assertThat(at(4)).isZero();
      replica.close();
    }
  }

  @Test
  void anEpochWithoutItsRecordIsThrownAway() {
    byte[] first = {1};
    try (ReplicaStore store = new FileReplicaStore(directory)) {
      Replica replica = Replica.create(store, memory, shape, 1, SESSION, 1);
      stage(replica, 0, 3, (byte) 1);
      replica.record(end(1, first), first);
      replica.apply();
      stage(replica, 0, 3, (byte) 2);
      replica.close();
    }
    try (ReplicaStore store = new FileReplicaStore(directory)) {
      Replica replica = Replica.recover(store, memory, shape);
      assertThat(replica.committedEpoch()).isEqualTo(1);
      assertThat(replica.machineState()).contains(first);
      assertThat(at(3)).isEqualTo((byte) 1);
      replica.close();
    }
  }

  @Test
  void aRecordHalfWrittenLeavesTheOneBefore() {
    byte[] state = {4};
    try (ReplicaStore store = new MemoryReplicaStore()) {
      Replica replica = Replica.create(store, memory, shape, 1, SESSION, 1);
      replica.record(end(1, state), state);
      replica.apply();
      long newest = CommitRecord.newest(store.record()).orElseThrow().sequence();
      byte[] second = {5};
      replica.record(end(2, second), second);
      store.record().set(ValueLayout.JAVA_BYTE, (newest + 1) % 2 * 512 + 64, (byte) 77);
      CommitRecord left = CommitRecord.newest(store.record()).orElseThrow();
      assertThat(left.epoch()).isEqualTo(1);
      assertThat(left.applied()).isTrue();
      replica.close();
    }
  }

  @Test
  void damagedMachineStateIsNotStarted() {
    byte[] state = {4, 5};
    try (ReplicaStore store = new MemoryReplicaStore()) {
      Replica replica = Replica.create(store, memory, shape, 1, SESSION, 1);
      replica.record(end(1, state), state);
      replica.apply();
      store.machine(1, 2).set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
      assertThatThrownBy(replica::machineState).hasMessageContaining("damaged");
      replica.close();
    }
  }

  @Test
  void anEmptyStoreIsNotAReplica() {
    try (ReplicaStore store = new MemoryReplicaStore()) {
      assertThatThrownBy(() -> Replica.recover(store, memory, shape))
          .hasMessageContaining("no complete commit record");
    }
  }
}

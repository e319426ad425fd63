package dev.here.replication;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A replica's store in files of one directory, mapped. Lay it on a RAM file system: the replica's
 * memory does not outlive a power loss either, so nothing is forced to a disk. Files: {@code
 * record}, {@code machine-0}, {@code machine-1}, {@code staging-N} for each data stream.
 */
public final class FileReplicaStore implements ReplicaStore {
  private final Path directory;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment record;

  /** Opens the store in {@code directory}, which is made if it is missing. */
  public FileReplicaStore(Path directory) {
    this.directory = directory;
    try {
      Files.createDirectories(directory);
      record = map("record", 0, RECORD_BYTES);
    } catch (IOException e) {
      arena.close();
      throw new ReplicationException(
          "cannot keep a replica in %s: %s; free space there or name another directory"
              .formatted(directory, e.getMessage()),
          e);
    }
  }

  @Override
  public MemorySegment record() {
    return record;
  }

  @Override
  public MemorySegment chunk(int stream, int number) {
    return mapped("staging-" + stream, number * PageLog.CHUNK_BYTES, PageLog.CHUNK_BYTES);
  }

  @Override
  public MemorySegment machine(int slot, long sizeBytes) {
    return mapped("machine-" + slot, 0, sizeBytes);
  }

  private MemorySegment mapped(String name, long offset, long sizeBytes) {
    try {
      return map(name, offset, sizeBytes);
    } catch (IOException e) {
      throw new ReplicationException(
          "cannot stage a checkpoint in %s: %s; free space there"
              .formatted(directory.resolve(name), e.getMessage()),
          e);
    }
  }

  private MemorySegment map(String name, long offset, long sizeBytes) throws IOException {
    try (FileChannel file =
        FileChannel.open(
            directory.resolve(name),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      // A sparse file on a full file system would end this process by SIGBUS when it is written to.
      if (file.size() < offset + sizeBytes) {
        FileBlocks.reserve(file, offset, sizeBytes);
      }
      return file.map(FileChannel.MapMode.READ_WRITE, offset, sizeBytes, arena);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}

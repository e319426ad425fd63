package dev.here.replication;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Makes sure that a part of a file has blocks behind it before it is mapped. */
final class FileBlocks {
  private static final int STEP_BYTES = 64 << 10;

  private FileBlocks() {}

  /** Writes zeros from the file's end, or {@code offset} if that is later, to the part's end. */
  static void reserve(FileChannel file, long offset, long sizeBytes) throws IOException {
    ByteBuffer zeros = ByteBuffer.allocateDirect(STEP_BYTES);
    long at = Math.max(file.size(), offset);
    long end = offset + sizeBytes;
    while (at < end) {
      zeros.clear().limit((int) Math.min(STEP_BYTES, end - at));
      at += file.write(zeros, at);
    }
  }
}

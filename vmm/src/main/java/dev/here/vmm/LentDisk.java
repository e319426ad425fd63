package dev.here.vmm;

import java.lang.foreign.MemorySegment;

/** A disk that outlives the device which uses it: closing this leaves it open. */
record LentDisk(BlockBackend disk) implements BlockBackend {
  @Override
  public long sizeBytes() {
    return disk.sizeBytes();
  }

  @Override
  public boolean readOnly() {
    return disk.readOnly();
  }

  @Override
  public void read(long offset, MemorySegment target) {
    disk.read(offset, target);
  }

  @Override
  public void write(long offset, MemorySegment source) {
    disk.write(offset, source);
  }

  @Override
  public void flush() {
    disk.flush();
  }

  @Override
  public void close() {
    // The lender closes it.
  }
}

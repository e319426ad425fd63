package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/**
 * Guest writes that signal an eventfd instead of an exit (struct kvm_ioeventfd).
 *
 * @param address port, or guest-physical address
 * @param port whether it is a port
 * @param sizeBytes 1, 2, 4 or 8; 0 is any size (KVM_CAP_IOEVENTFD_NO_LENGTH)
 * @param match the value that must be written; empty is any
 */
public record IoEvent(long address, boolean port, int sizeBytes, OptionalLong match) {
  private static final int DATAMATCH = 1;
  private static final int PIO = 2;
  private static final int DEASSIGN = 4;

  /** Any write of this size to a port. */
  public static IoEvent port(int port, int sizeBytes) {
    return new IoEvent(port, true, sizeBytes, OptionalLong.empty());
  }

  /** Any write of this size to a guest-physical address. */
  public static IoEvent memory(long gpa, int sizeBytes) {
    return new IoEvent(gpa, false, sizeBytes, OptionalLong.empty());
  }

  /** Only writes of this value. */
  public IoEvent matching(long value) {
    return new IoEvent(address, port, sizeBytes, OptionalLong.of(value));
  }

  void put(MemorySegment data, int fd, boolean connect) {
    data.set(JAVA_LONG, 0, match.orElse(0));
    data.set(JAVA_LONG, 8, address);
    data.set(JAVA_INT, 16, sizeBytes);
    data.set(JAVA_INT, 20, fd);
    data.set(
        JAVA_INT,
        24,
        (match.isPresent() ? DATAMATCH : 0) | (port ? PIO : 0) | (connect ? 0 : DEASSIGN));
  }
}

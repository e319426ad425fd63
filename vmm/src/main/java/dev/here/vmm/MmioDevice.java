package dev.here.vmm;

/** Answers a window of guest-physical addresses. Called with the platform's lock held. */
public interface MmioDevice {
  /**
   * A guest reads {@code sizeBytes} (1, 2, 4 or 8) at {@code offset} of the window.
   *
   * @return the value, zero-extended
   */
  long read(long offset, int sizeBytes);

  /**
   * A guest writes {@code value}, {@code sizeBytes} (1, 2, 4 or 8) wide, at {@code offset} of the
   * window.
   */
  void write(long offset, int sizeBytes, long value);
}

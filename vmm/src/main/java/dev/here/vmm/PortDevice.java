package dev.here.vmm;

/** Answers I/O ports. Called with the platform's lock held. */
public interface PortDevice {
  /**
   * A guest reads {@code sizeBytes} (1, 2 or 4) from {@code port}.
   *
   * @return the value, zero-extended
   */
  int read(int port, int sizeBytes);

  /** A guest writes {@code value}, {@code sizeBytes} (1, 2 or 4) wide, to {@code port}. */
  void write(int port, int sizeBytes, int value);
}

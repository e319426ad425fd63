package dev.here.vmm;

/**
 * A device whose ports are eight bits wide: wider accesses become one access for each port, low
 * port first, as on an ISA bus.
 */
public interface OctetDevice extends PortDevice {
  /** Reads one port: 0 to 255. */
  int readOctet(int port);

  /** Writes one port; {@code value} is 0 to 255. */
  void writeOctet(int port, int value);

  @Override
  default int read(int port, int sizeBytes) {
    int value = 0;
    for (int at = 0; at < sizeBytes; at++) {
      value |= (readOctet(port + at & 0xffff) & 0xff) << at * 8;
    }
    return value;
  }

  @Override
  default void write(int port, int sizeBytes, int value) {
    for (int at = 0; at < sizeBytes; at++) {
      writeOctet(port + at & 0xffff, value >>> at * 8 & 0xff);
    }
  }
}

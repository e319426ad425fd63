package dev.here.vmm;

import java.util.Arrays;

/**
 * The 64 Ki I/O ports. An access that no device answers reads all ones and is dropped on write, as
 * on an empty ISA bus. Guarded by the platform's lock.
 */
public final class PortBus {
  private static final PortDevice NOTHING =
      new PortDevice() {
        @Override
        public int read(int port, int sizeBytes) {
          return -1;
        }

        @Override
        public void write(int port, int sizeBytes, int value) {}
      };

  private final PortDevice[] devices = new PortDevice[0x10000];

  public PortBus() {
    Arrays.fill(devices, NOTHING);
  }

  /** {@code device} answers ports {@code first} to {@code first + count - 1} from now on. */
  public void attach(int first, int count, PortDevice device) {
    Arrays.fill(devices, first, first + count, device);
  }

  /** Nothing answers these ports any more, where {@code device} did. */
  public void detach(int first, int count, PortDevice device) {
    for (int port = first; port < first + count; port++) {
      if (devices[port] == device) {
        devices[port] = NOTHING;
      }
    }
  }

  /** A guest's read, zero-extended to {@code sizeBytes}. */
  public int read(int port, int sizeBytes) {
    int value = devices[port].read(port, sizeBytes);
    return sizeBytes == 4 ? value : value & ((1 << sizeBytes * 8) - 1);
  }

  /** A guest's write. */
  public void write(int port, int sizeBytes, int value) {
    devices[port].write(
        port, sizeBytes, sizeBytes == 4 ? value : value & ((1 << sizeBytes * 8) - 1));
  }
}

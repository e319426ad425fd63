package dev.here.vmm;

import java.util.ArrayList;
import java.util.List;

/**
 * Windows of guest-physical addresses that devices answer. A later window wins over an earlier one
 * at the same address. An access that nothing answers reads all ones. Guarded by the platform's
 * lock.
 */
public final class MmioBus {
  private record Window(long gpa, long sizeBytes, MmioDevice device) {}

  private final List<Window> windows = new ArrayList<>();

  /** {@code device} answers {@code gpa} to {@code gpa + sizeBytes - 1} from now on. */
  public void attach(long gpa, long sizeBytes, MmioDevice device) {
    windows.addFirst(new Window(gpa, sizeBytes, device));
  }

  /** {@code device} answers at {@code gpa} no more. */
  public void detach(long gpa, MmioDevice device) {
    windows.removeIf(window -> window.gpa == gpa && window.device == device);
  }

  /** A guest's read, zero-extended to {@code sizeBytes}. */
  public long read(long gpa, int sizeBytes) {
    for (int at = 0; at < windows.size(); at++) {
      Window window = windows.get(at);
      if (gpa >= window.gpa && gpa < window.gpa + window.sizeBytes) {
        return truncate(window.device.read(gpa - window.gpa, sizeBytes), sizeBytes);
      }
    }
    return truncate(-1, sizeBytes);
  }

  /** A guest's write; returns whether a device took it. */
  public boolean write(long gpa, int sizeBytes, long value) {
    for (int at = 0; at < windows.size(); at++) {
      Window window = windows.get(at);
      if (gpa >= window.gpa && gpa < window.gpa + window.sizeBytes) {
        window.device.write(gpa - window.gpa, sizeBytes, truncate(value, sizeBytes));
        return true;
      }
    }
    return false;
  }

  private static long truncate(long value, int sizeBytes) {
    return sizeBytes == 8 ? value : value & ((1L << sizeBytes * 8) - 1);
  }
}

package dev.here.machine;

import java.util.List;

/**
 * One IDE channel.
 *
 * @param port command block: 1F0h or 170h
 * @param controlPort control block: 3F6h or 376h
 * @param irq 14 or 15
 * @param selectedDrive 0 or 1
 * @param control device control register
 * @param drives two
 */
public record IdeChannel(
    int port, int controlPort, int irq, int selectedDrive, int control, List<IdeDrive> drives) {
  public IdeChannel {
    Bounds.range("ide.drives", drives.size(), 2, 2);
    drives = List.copyOf(drives);
  }
}

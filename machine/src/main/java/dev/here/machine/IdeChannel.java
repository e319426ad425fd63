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
 * @param interrupt its interrupt wire is asserted
 * @param busMasterCommand bus master command register
 * @param busMasterStatus bus master status register
 * @param busMasterTable bus master descriptor table pointer
 * @param drives two
 */
public record IdeChannel(
    int port,
    int controlPort,
    int irq,
    int selectedDrive,
    int control,
    boolean interrupt,
    int busMasterCommand,
    int busMasterStatus,
    long busMasterTable,
    List<IdeDrive> drives) {
  public IdeChannel {
    Bounds.range("ide.port", port, 0, 0xffff);
    Bounds.range("ide.controlPort", controlPort, 0, 0xffff);
    Bounds.range("ide.irq", irq, 0, 15);
    Bounds.range("ide.selectedDrive", selectedDrive, 0, 1);
    Bounds.range("ide.drives", drives.size(), 2, 2);
    drives = List.copyOf(drives);
  }
}

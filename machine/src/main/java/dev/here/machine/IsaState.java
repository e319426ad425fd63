package dev.here.machine;

import java.util.List;
import java.util.Optional;

/**
 * The small devices of a PC that no operating system can do without meeting. Absent optional
 * devices answer as an empty bus does.
 *
 * @param serials by port
 * @param parallels by port
 * @param i8042 keyboard controller
 * @param dma two, or none
 * @param floppy floppy controller
 * @param ide by port
 * @param vga display adapter
 * @param firmwareConfig firmware configuration interface
 * @param systemControlA port 92h
 * @param debugExitPort port whose write ends the source's hypervisor; ours ignores it
 */
public record IsaState(
    List<SerialState> serials,
    List<ParallelState> parallels,
    Optional<I8042State> i8042,
    List<DmaState> dma,
    Optional<FloppyState> floppy,
    List<IdeChannel> ide,
    Optional<VgaState> vga,
    Optional<FirmwareConfigState> firmwareConfig,
    int systemControlA,
    Optional<Integer> debugExitPort) {
  public IsaState {
    serials = List.copyOf(serials);
    parallels = List.copyOf(parallels);
    dma = List.copyOf(dma);
    ide = List.copyOf(ide);
  }
}

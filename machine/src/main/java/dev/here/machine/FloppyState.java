package dev.here.machine;

/**
 * A floppy controller without media (Intel 82078 data sheet).
 *
 * @param statusA SRA
 * @param statusB SRB
 * @param digitalOutput DOR
 * @param tapeDrive TDR
 * @param dataRateSelect DSR
 * @param mainStatus MSR
 * @param status0 ST0 as the next SENSE INTERRUPT gives it
 * @param interruptPending how many SENSE INTERRUPT commands find something: up to 4 after a reset,
 *     else 1 while an interrupt awaits it
 * @param fifo data FIFO
 * @param fifoPosition next octet
 * @param fifoLength octets in the current phase
 * @param phase 0 reset or command, 1 execution, 2 result
 */
public record FloppyState(
    int statusA,
    int statusB,
    int digitalOutput,
    int tapeDrive,
    int dataRateSelect,
    int mainStatus,
    int status0,
    int interruptPending,
    Bytes fifo,
    int fifoPosition,
    int fifoLength,
    int phase) {
  public FloppyState {
    Bounds.range("floppy.interruptPending", interruptPending, 0, 4);
    Bounds.range("floppy.fifo", fifo.length(), 0, 512);
    Bounds.range("floppy.fifoPosition", fifoPosition, 0, 512);
    Bounds.range("floppy.fifoLength", fifoLength, 0, 512);
    Bounds.range("floppy.phase", phase, 0, 2);
  }
}

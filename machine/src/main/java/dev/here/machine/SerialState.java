package dev.here.machine;

/**
 * A 16550A (National Semiconductor PC16550D data sheet).
 *
 * @param port first I/O port
 * @param irq ISA interrupt
 * @param divisor baud rate divisor
 * @param receiveBuffer RBR
 * @param transmitHolding THR
 * @param interruptEnable IER
 * @param interruptIdentification IIR
 * @param fifoControl FCR
 * @param lineControl LCR
 * @param modemControl MCR
 * @param lineStatus LSR
 * @param modemStatus MSR
 * @param scratch SCR
 * @param transmitInterruptPending THR empty interrupt not yet acknowledged
 * @param timeoutPending character time-out interrupt
 * @param receiveFifo octets received and not read, at most 16
 * @param transmitFifo octets written and not sent, at most 16
 */
public record SerialState(
    int port,
    int irq,
    int divisor,
    int receiveBuffer,
    int transmitHolding,
    int interruptEnable,
    int interruptIdentification,
    int fifoControl,
    int lineControl,
    int modemControl,
    int lineStatus,
    int modemStatus,
    int scratch,
    boolean transmitInterruptPending,
    boolean timeoutPending,
    Bytes receiveFifo,
    Bytes transmitFifo) {
  public SerialState {
    Bounds.range("serial.port", port, 0, 0xffff);
    Bounds.range("serial.irq", irq, 0, 15);
    Bounds.range("serial.receiveFifo", receiveFifo.length(), 0, 16);
    Bounds.range("serial.transmitFifo", transmitFifo.length(), 0, 16);
  }
}

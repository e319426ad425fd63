package dev.here.machine;

/**
 * A parallel port without a device.
 *
 * @param port first I/O port
 * @param irq ISA interrupt
 * @param data data register
 * @param status status register
 * @param control control register
 */
public record ParallelState(int port, int irq, int data, int status, int control) {}

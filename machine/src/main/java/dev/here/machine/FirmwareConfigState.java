package dev.here.machine;

import java.util.List;

/**
 * The firmware configuration interface (QEMU docs/specs/fw_cfg).
 *
 * @param port selector port, 510h
 * @param selected current key
 * @param offset next octet of the current item
 * @param dmaAddress as written so far
 * @param dma it offers DMA
 * @param items what it offers; empty where the source does not tell
 */
public record FirmwareConfigState(
    int port,
    int selected,
    int offset,
    long dmaAddress,
    boolean dma,
    List<FirmwareConfigFile> items) {
  public FirmwareConfigState {
    items = List.copyOf(items);
  }
}

package dev.here.machine;

import java.util.List;

/**
 * One 8237 DMA controller.
 *
 * @param command command register
 * @param mask mask register
 * @param request request register
 * @param status status register
 * @param flipFlop byte pointer flip-flop
 * @param channels four
 */
public record DmaState(
    int command, int mask, int request, int status, boolean flipFlop, List<DmaChannel> channels) {
  public DmaState {
    Bounds.range("dma.channels", channels.size(), 4, 4);
    channels = List.copyOf(channels);
  }
}

package dev.here.machine;

/**
 * One channel of an 8237 DMA controller.
 *
 * @param baseAddress 16 bits
 * @param baseCount 16 bits
 * @param currentAddress 16 bits
 * @param currentCount 16 bits
 * @param mode mode register
 * @param page page register
 * @param pageHigh high page register
 */
public record DmaChannel(
    int baseAddress,
    int baseCount,
    int currentAddress,
    int currentCount,
    int mode,
    int page,
    int pageHigh) {}

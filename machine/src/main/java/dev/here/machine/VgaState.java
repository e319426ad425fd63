package dev.here.machine;

import java.util.List;

/**
 * A standard VGA with Bochs display registers, as a framebuffer without display.
 *
 * @param miscOutput 3C2h
 * @param featureControl 3DAh
 * @param sequencerIndex 3C4h
 * @param sequencer its registers
 * @param graphicsIndex 3CEh
 * @param graphics its registers
 * @param attributeIndex 3C0h
 * @param attribute its registers
 * @param attributeFlipFlop next write to 3C0h is data
 * @param crtcIndex 3D4h
 * @param crtc its registers
 * @param dacState 3C7h
 * @param dacReadIndex 3C7h
 * @param dacWriteIndex 3C8h
 * @param dacSubIndex which colour is next
 * @param palette 768 octets
 * @param dispiIndex 1CEh
 * @param dispi Bochs registers
 * @param latch the four planes' read latches, plane 0 in the low octet
 * @param framebufferBytes size of the framebuffer
 * @param framebufferBackingOffset where it lies in the memory's backing, mapped or not
 */
public record VgaState(
    int miscOutput,
    int featureControl,
    int sequencerIndex,
    Bytes sequencer,
    int graphicsIndex,
    Bytes graphics,
    int attributeIndex,
    Bytes attribute,
    boolean attributeFlipFlop,
    int crtcIndex,
    Bytes crtc,
    int dacState,
    int dacReadIndex,
    int dacWriteIndex,
    int dacSubIndex,
    Bytes palette,
    int dispiIndex,
    List<Integer> dispi,
    int latch,
    long framebufferBytes,
    long framebufferBackingOffset) {
  public VgaState {
    for (Bytes registers : new Bytes[] {sequencer, graphics, attribute, crtc}) {
      Bounds.range("vga registers", registers.length(), 0, 256);
    }
    Bounds.length("vga.palette", palette, 768);
    Bounds.range("vga.dispi", dispi.size(), 0, 16);
    dispi = List.copyOf(dispi);
  }
}

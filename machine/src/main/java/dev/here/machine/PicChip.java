package dev.here.machine;

/**
 * One 8259A interrupt controller (Intel 8259A data sheet).
 *
 * @param irr interrupt request register
 * @param imr mask register
 * @param isr in-service register
 * @param lines levels of the eight inputs as last seen, for edge detection
 * @param levelTriggered edge/level control register (port 4D0h or 4D1h)
 * @param levelCapable bits of that register that can be set
 * @param lowestPriority input that has the lowest priority plus one, 0 to 7
 * @param vectorBase ICW2
 * @param initStep 0 when initialised, else the initialisation word awaited next (1 to 3)
 * @param readIsr OCW3 selected the in-service register for reads
 * @param poll OCW3 poll command is pending
 * @param specialMask special mask mode
 * @param autoEoi automatic end of interrupt
 * @param rotateOnAutoEoi rotate in automatic end of interrupt mode
 * @param specialFullyNested special fully nested mode
 * @param fourByteInit ICW1 asked for ICW4
 */
public record PicChip(
    int irr,
    int imr,
    int isr,
    int lines,
    int levelTriggered,
    int levelCapable,
    int lowestPriority,
    int vectorBase,
    int initStep,
    boolean readIsr,
    boolean poll,
    boolean specialMask,
    boolean autoEoi,
    boolean rotateOnAutoEoi,
    boolean specialFullyNested,
    boolean fourByteInit) {
  public PicChip {
    for (int octet : new int[] {irr, imr, isr, lines, levelTriggered, levelCapable, vectorBase}) {
      Bounds.range("pic register", octet, 0, 255);
    }
    Bounds.range("pic.lowestPriority", lowestPriority, 0, 7);
    Bounds.range("pic.initStep", initStep, 0, 3);
  }
}

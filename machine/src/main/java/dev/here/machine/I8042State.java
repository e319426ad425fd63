package dev.here.machine;

/**
 * The keyboard controller, its keyboard and its mouse.
 *
 * @param status status register, port 64h
 * @param command command byte
 * @param writeCommand controller command that awaits its data octet, 0 for none
 * @param outputPort output port
 * @param pending bit 0 keyboard, bit 1 mouse data waits
 * @param lastOutput data last read from port 60h
 * @param keyboardQueue octets to be read, keyboard
 * @param mouseQueue octets to be read, mouse
 * @param keyboardCommand keyboard command that awaits its parameter, -1 for none
 * @param keyboardScanning scanning is on
 * @param scancodeSet 1 to 3
 * @param leds keyboard LEDs
 * @param mouseCommand mouse command that awaits its parameter, -1 for none
 * @param mouseStatus mouse status octet
 * @param mouseResolution as set
 * @param mouseSampleRate as set
 * @param mouseType id: 0, 3 or 4
 */
public record I8042State(
    int status,
    int command,
    int writeCommand,
    int outputPort,
    int pending,
    int lastOutput,
    Bytes keyboardQueue,
    Bytes mouseQueue,
    int keyboardCommand,
    boolean keyboardScanning,
    int scancodeSet,
    int leds,
    int mouseCommand,
    int mouseStatus,
    int mouseResolution,
    int mouseSampleRate,
    int mouseType) {
  public I8042State {
    Bounds.range("i8042.keyboardQueue", keyboardQueue.length(), 0, 256);
    Bounds.range("i8042.mouseQueue", mouseQueue.length(), 0, 256);
  }
}

package dev.here.formats.qemu;

/** COLO's control messages, u32 big-endian on the connection, in QEMU's numbering. */
public enum ColoMessage {
  /** Secondary to QEMU: the initial state is loaded. The guest stands still until it arrives. */
  CHECKPOINT_READY,
  /** QEMU to secondary: a checkpoint is wanted. The guest still runs. */
  CHECKPOINT_REQUEST,
  /** Secondary to QEMU: go on. The guest runs as long as this is held back. */
  CHECKPOINT_REPLY,
  /** QEMU to secondary: the guest has stopped, RAM and device state follow. */
  VMSTATE_SEND,
  /** QEMU to secondary: u64 size and the device state follow. */
  VMSTATE_SIZE,
  /** Secondary to QEMU: the whole checkpoint has arrived. */
  VMSTATE_RECEIVED,
  /** Secondary to QEMU: the checkpoint is loaded. The guest goes on. */
  VMSTATE_LOADED;

  private static final ColoMessage[] BY_NUMBER = values();

  /** The message of a number; refuses unknown ones, {@code position} being where it was read. */
  static ColoMessage of(int number, long position) {
    if (number < 0 || number >= BY_NUMBER.length) {
      throw new QemuStreamException(
          position,
          "COLO message "
              + Integer.toUnsignedString(number)
              + " is unknown (0 to "
              + (BY_NUMBER.length - 1)
              + " exist); QEMU reports its own failure so: see its log");
    }
    return BY_NUMBER[number];
  }

  /** The four bytes to send. */
  public byte[] encoded() {
    return new byte[] {0, 0, 0, (byte) ordinal()};
  }
}

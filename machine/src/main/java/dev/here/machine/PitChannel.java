package dev.here.machine;

/**
 * One channel of an 8254 (Intel 82C54 data sheet).
 *
 * @param reload counter's reload value, 0 stands for 65536
 * @param mode 0 to 5
 * @param bcd counts in BCD
 * @param accessMode 1 low, 2 high, 3 low then high
 * @param gate gate input
 * @param readHighNext the next read gives the high octet
 * @param writeHighNext the next write is the high octet
 * @param writeLatch low octet already written
 * @param latchedCount count latched by a command
 * @param latchedOctets how the latched count is read: 0 none, else an access mode (1 to 3) or 4 for
 *     the second half
 * @param statusLatched status latched by a read-back command
 * @param latchedStatus that status
 * @param nanosSinceLoad how long before the instant of capture counting began; may be negative when
 *     it begins later
 * @param interruptDisabled the HPET has replaced it (legacy replacement)
 */
public record PitChannel(
    int reload,
    int mode,
    boolean bcd,
    int accessMode,
    boolean gate,
    boolean readHighNext,
    boolean writeHighNext,
    int writeLatch,
    int latchedCount,
    int latchedOctets,
    boolean statusLatched,
    int latchedStatus,
    long nanosSinceLoad,
    boolean interruptDisabled) {
  public PitChannel {
    Bounds.range("pit.reload", reload, 0, 0x10000);
    Bounds.range("pit.mode", mode, 0, 5);
    Bounds.range("pit.accessMode", accessMode, 0, 3);
    Bounds.range("pit.latchedOctets", latchedOctets, 0, 4);
  }
}

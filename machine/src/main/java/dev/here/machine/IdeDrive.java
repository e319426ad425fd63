package dev.here.machine;

/**
 * One IDE drive: absent, or a CD drive without a medium.
 *
 * @param present a drive is attached
 * @param cd it is a packet device
 * @param feature features register
 * @param error error register
 * @param sectorCount sector count register
 * @param lbaLow LBA low register
 * @param lbaMid LBA mid register
 * @param lbaHigh LBA high register
 * @param select device register
 * @param status status register
 * @param senseKey ATAPI sense key
 * @param additionalSense ATAPI additional sense code
 * @param packetAwaited the drive awaits the rest of a command packet, not of a read
 * @param transfer octets of the transfer under way, empty without one
 * @param transferPosition next octet of it
 * @param identity what IDENTIFY PACKET DEVICE answers, 512 octets; empty where no drive is attached
 */
public record IdeDrive(
    boolean present,
    boolean cd,
    int feature,
    int error,
    int sectorCount,
    int lbaLow,
    int lbaMid,
    int lbaHigh,
    int select,
    int status,
    int senseKey,
    int additionalSense,
    boolean packetAwaited,
    Bytes transfer,
    int transferPosition,
    Bytes identity) {
  public IdeDrive {
    Bounds.range("ide.transfer", transfer.length(), 0, 0x20000);
    Bounds.range("ide.transferPosition", transferPosition, 0, transfer.length());
    Bounds.length("ide.identity", identity, present ? 512 : 0);
  }
}

package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.IdeDrive;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One place on an IDE channel: nothing, or a CD drive without a medium (ATA/ATAPI-6, sections 8 and
 * 9; MMC-5). Its packet commands end as they do on a drive whose tray is empty. Data goes through
 * the data register, or by {@link #takeDma} where the command asked for that. Guarded by the
 * platform's lock.
 */
final class EmptyCdDrive {
  private static final int ERROR = 0x01;
  private static final int DATA_REQUEST = 0x08;
  private static final int SEEK_COMPLETE = 0x10;
  private static final int READY = 0x40;
  private static final int ABORTED = 0x04;
  private static final int COMMAND_PHASE = 1;
  private static final int DATA_IN_PHASE = 2;
  private static final int STATUS_PHASE = 3;
  private static final int PACKET_OCTETS = 12;
  private static final int FEATURE_DMA = 0x01;
  private static final int NOT_READY = 2;
  private static final int ILLEGAL_REQUEST = 5;
  private static final int NO_MEDIUM = 0x3a;
  private static final int INVALID_COMMAND = 0x20;
  private static final int INVALID_FIELD = 0x24;

  private final boolean present;
  private final boolean cd;
  private final Bytes identity;
  int feature;
  int error;
  int sectorCount;
  int lbaLow;
  int lbaMid;
  int lbaHigh;
  int select;
  int status;
  private int senseKey;
  private int additionalSense;
  private boolean packetAwaited;
  private byte[] transfer;
  private int position;
  private int blockEnd;
  private boolean dmaAwaited;

  EmptyCdDrive(IdeDrive state) {
    present = state.present();
    cd = state.cd();
    identity = state.identity();
    feature = state.feature();
    error = state.error();
    sectorCount = state.sectorCount();
    lbaLow = state.lbaLow();
    lbaMid = state.lbaMid();
    lbaHigh = state.lbaHigh();
    select = state.select();
    status = state.status();
    senseKey = state.senseKey();
    additionalSense = state.additionalSense();
    packetAwaited = state.packetAwaited();
    transfer = state.transfer().toArray();
    position = state.transferPosition();
    blockEnd = packetAwaited ? transfer.length : Math.min(transfer.length, position + limit());
    dmaAwaited =
        !packetAwaited
            && transfer.length > 0
            && (feature & FEATURE_DMA) != 0
            && sectorCount == DATA_IN_PHASE;
  }

  /** An empty CD drive after power-on, with what it calls itself. */
  static IdeDrive powerOn() {
    return new IdeDrive(
        true, true, 0, 1, 1, 1, 0x14, 0xeb, 0xa0, 0, 0, 0, false, Bytes.EMPTY, 0, ownIdentity());
  }

  /** A place without a drive. */
  static IdeDrive absent() {
    return new IdeDrive(
        false, false, 0, 0, 0, 0, 0, 0, 0xa0, 0, 0, 0, false, Bytes.EMPTY, 0, Bytes.EMPTY);
  }

  IdeDrive state() {
    return new IdeDrive(
        present,
        cd,
        feature,
        error,
        sectorCount,
        lbaLow,
        lbaMid,
        lbaHigh,
        select,
        status,
        senseKey,
        additionalSense,
        packetAwaited,
        Bytes.of(transfer),
        position,
        identity);
  }

  boolean present() {
    return present;
  }

  /** A reset of the channel: the drive shows its signature. */
  void reset() {
    packetAwaited = false;
    dmaAwaited = false;
    transfer = new byte[0];
    position = 0;
    senseKey = 0;
    additionalSense = 0;
    error = 1;
    status = 0;
    signature();
  }

  /** A command; returns whether it interrupts. */
  boolean command(int code) {
    error = 0;
    status = READY | SEEK_COMPLETE;
    packetAwaited = false;
    dmaAwaited = false;
    transfer = new byte[0];
    position = 0;
    switch (code) {
      case 0x08 -> {
        signature();
        status = 0;
        return false;
      }
      case 0xa0 -> {
        packetAwaited = true;
        transfer = new byte[PACKET_OCTETS];
        blockEnd = PACKET_OCTETS;
        sectorCount = COMMAND_PHASE;
        status |= DATA_REQUEST;
        return false;
      }
      case 0xa1 -> {
        transfer = identity.toArray();
        blockEnd = transfer.length;
        status |= DATA_REQUEST;
      }
      case 0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0xe7, 0xea, 0xef -> {}
      case 0xe5 -> sectorCount = 0xff;
      case 0x90 -> reset();
      default -> {
        if (code == 0xec) {
          signature();
        }
        abort();
      }
    }
    return true;
  }

  /** The data register; returns whether the drive interrupts when this octet was the last. */
  boolean writeOctet(int value) {
    if (!packetAwaited || position >= transfer.length) {
      return false;
    }
    transfer[position++] = (byte) value;
    if (position < transfer.length) {
      return false;
    }
    packetAwaited = false;
    byte[] packet = transfer;
    transfer = new byte[0];
    position = 0;
    status = READY | SEEK_COMPLETE;
    packet(packet);
    return !dmaAwaited;
  }

  /** Whether the drive has data for the bus master. */
  boolean dmaAwaited() {
    return dmaAwaited;
  }

  /** The data for the bus master; the command is done with it, and interrupts. */
  byte[] takeDma() {
    byte[] data = transfer;
    dmaAwaited = false;
    transfer = new byte[0];
    position = 0;
    good();
    return data;
  }

  private boolean hasData() {
    return !packetAwaited
        && !dmaAwaited
        && (status & DATA_REQUEST) != 0
        && position < transfer.length;
  }

  int readOctet() {
    return hasData() ? transfer[position++] & 0xff : 0;
  }

  /** After a read of the data register: ends a block; returns whether the drive interrupts. */
  boolean endBlock() {
    if (packetAwaited || dmaAwaited || (status & DATA_REQUEST) == 0 || position < blockEnd) {
      return false;
    }
    if (position >= transfer.length) {
      boolean packetData = sectorCount == DATA_IN_PHASE;
      transfer = new byte[0];
      position = 0;
      status &= ~DATA_REQUEST;
      sectorCount = packetData ? STATUS_PHASE : sectorCount;
      return packetData;
    }
    offerBlock();
    return true;
  }

  private void packet(byte[] packet) {
    switch (packet[0] & 0xff) {
      case 0x03 -> requestSense(packet[4] & 0xff);
      case 0x12 -> reply(inquiry(), packet[4] & 0xff);
      case 0x1b, 0x1e, 0xbb -> good();
      case 0x46 -> reply(new byte[] {0, 0, 0, 4, 0, 0, 0, 0}, word(packet, 7));
      case 0x4a -> eventStatus(packet);
      case 0x5a -> modeSense(packet);
      case 0xbd -> reply(new byte[] {0, 0, 0, 0, 0, 1, 0, 0}, word(packet, 8));
      case 0x00, 0x25, 0x28, 0xa8, 0xbe, 0x42, 0x43, 0x51, 0x52, 0xad ->
          check(NOT_READY, NO_MEDIUM);
      default -> check(ILLEGAL_REQUEST, INVALID_COMMAND);
    }
  }

  private void requestSense(int limit) {
    byte[] sense = new byte[18];
    sense[0] = 0x70;
    sense[2] = (byte) senseKey;
    sense[7] = 10;
    sense[12] = (byte) additionalSense;
    senseKey = 0;
    additionalSense = 0;
    reply(sense, limit);
  }

  /** No media event is pending; only polled requests are answered. */
  private void eventStatus(byte[] packet) {
    if ((packet[1] & 1) == 0) {
      check(ILLEGAL_REQUEST, INVALID_FIELD);
    } else if ((packet[4] & 0x10) == 0) {
      reply(new byte[] {0, 2, (byte) 0x80, 0x10}, word(packet, 7));
    } else {
      reply(new byte[] {0, 6, 4, 0x10, 0, 0, 0, 0}, word(packet, 7));
    }
  }

  private void modeSense(byte[] packet) {
    int page = packet[2] & 0x3f;
    if ((packet[2] & 0xc0) == 0xc0 || page != 0x01 && page != 0x0e && page != 0x2a) {
      check(ILLEGAL_REQUEST, page == 0x3f || (packet[2] & 0xc0) == 0xc0 ? 0x39 : INVALID_FIELD);
      return;
    }
    int length = page == 0x01 ? 8 : page == 0x0e ? 16 : 30;
    byte[] reply = new byte[8 + length];
    reply[1] = (byte) (reply.length - 2);
    reply[2] = 0x70;
    reply[8] = (byte) page;
    reply[9] = (byte) (length - 2);
    if (page == 0x2a) {
      reply[10] = 0x3b;
      reply[12] = 0x70;
      reply[14] = 0x29;
      reply[16] = (byte) (704 >> 8);
      reply[17] = (byte) (704 & 0xff);
      reply[19] = 2;
      reply[20] = 2;
      reply[22] = (byte) (704 >> 8);
      reply[23] = (byte) (704 & 0xff);
    }
    reply(reply, word(packet, 7));
  }

  private void good() {
    sectorCount = STATUS_PHASE;
    status = READY | SEEK_COMPLETE;
  }

  private void reply(byte[] data, int limit) {
    int length = Math.min(data.length, limit);
    if (length == 0) {
      good();
      return;
    }
    transfer = Arrays.copyOf(data, length);
    position = 0;
    dmaAwaited = (feature & FEATURE_DMA) != 0;
    if (dmaAwaited) {
      sectorCount = DATA_IN_PHASE;
      status = READY | SEEK_COMPLETE | DATA_REQUEST;
    } else {
      offerBlock();
    }
  }

  private void offerBlock() {
    int block = Math.min(transfer.length - position, limit());
    blockEnd = position + block;
    lbaMid = block & 0xff;
    lbaHigh = block >> 8;
    sectorCount = DATA_IN_PHASE;
    status = READY | SEEK_COMPLETE | DATA_REQUEST;
  }

  /** Octets a block, as the driver asked with the command: an even number. */
  private int limit() {
    int asked = (lbaMid | lbaHigh << 8) & ~1;
    return asked == 0 ? 0xfffe : asked;
  }

  private void check(int key, int code) {
    senseKey = key;
    additionalSense = code;
    error = key << 4;
    sectorCount = STATUS_PHASE;
    status = READY | ERROR;
  }

  private void abort() {
    error = ABORTED;
    status = READY | ERROR;
  }

  private void signature() {
    sectorCount = 1;
    lbaLow = 1;
    lbaMid = cd ? 0x14 : 0;
    lbaHigh = cd ? 0xeb : 0;
    select &= 0xf0;
  }

  private static int word(byte[] packet, int at) {
    return (packet[at] & 0xff) << 8 | packet[at + 1] & 0xff;
  }

  private static byte[] inquiry() {
    byte[] data = new byte[36];
    data[0] = 5;
    data[1] = (byte) 0x80;
    data[3] = 0x21;
    data[4] = 31;
    System.arraycopy(
        "HERE    EMPTY CD DRIVE  1.0 ".getBytes(StandardCharsets.US_ASCII), 0, data, 8, 28);
    return data;
  }

  /** IDENTIFY PACKET DEVICE: a removable CD drive, 12-octet packets, PIO and multi-word DMA. */
  private static Bytes ownIdentity() {
    byte[] data = new byte[512];
    put(data, 0, 0x8580);
    text(data, 10, 20, "0");
    text(data, 23, 8, "1.0");
    text(data, 27, 40, "HERE EMPTY CD DRIVE");
    put(data, 48, 1);
    put(data, 49, 0x0300);
    put(data, 53, 0x0003);
    put(data, 63, 0x0407);
    put(data, 64, 0x0003);
    put(data, 67, 120);
    put(data, 68, 120);
    put(data, 80, 0x001e);
    return Bytes.of(data);
  }

  private static void put(byte[] data, int word, int value) {
    data[word * 2] = (byte) value;
    data[word * 2 + 1] = (byte) (value >> 8);
  }

  /** Text is padded with blanks, and its octets are swapped in each word. */
  private static void text(byte[] data, int word, int length, String text) {
    for (int at = 0; at < length; at++) {
      data[word * 2 + (at ^ 1)] = (byte) (at < text.length() ? text.charAt(at) : ' ');
    }
  }
}

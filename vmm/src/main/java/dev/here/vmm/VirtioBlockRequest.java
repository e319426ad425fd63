package dev.here.vmm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request to a virtio disk (VIRTIO 1.2, section 5.2.6): a header of 16 octets (type, reserved,
 * sector), data, and one octet of status at the very end. The header is copied before it is looked
 * at, since the guest may change it meanwhile.
 */
final class VirtioBlockRequest {
  static final int TYPE_IN = 0;
  static final int TYPE_OUT = 1;
  static final int TYPE_FLUSH = 4;
  static final int TYPE_GET_ID = 8;
  static final int TYPE_DISCARD = 11;
  static final int TYPE_WRITE_ZEROES = 13;
  static final int STATUS_OK = 0;
  static final int STATUS_IO_ERROR = 1;
  static final int STATUS_UNSUPPORTED = 2;

  private static final Logger LOG = LoggerFactory.getLogger(VirtioBlockRequest.class);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int HEADER_BYTES = 16;
  private static final int RANGE_BYTES = 16;
  private static final int ID_BYTES = 20;
  private static final int SECTOR_BYTES = 512;

  /** The longest run that one request zeroes, in sectors: 2 GiB, as QEMU offers. */
  private static final long MAX_ZERO_SECTORS = 0x3f_ffff;

  private final BlockBackend backend;
  private final long capacitySectors;
  private final boolean readOnly;
  private final byte[] id = new byte[ID_BYTES];
  private final MemorySegment header = MemorySegment.ofArray(new byte[HEADER_BYTES]);
  private final MemorySegment status = MemorySegment.ofArray(new byte[1]);
  private final MemorySegment zeroes = Arena.ofAuto().allocate(64 * 1024, 64);
  private volatile boolean writeThrough;

  VirtioBlockRequest(BlockBackend backend, long capacitySectors, String serial, boolean readOnly) {
    this.backend = backend;
    this.capacitySectors = capacitySectors;
    this.readOnly = readOnly;
    byte[] text = serial.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, id, 0, Math.min(text.length, ID_BYTES));
  }

  /** Whether every write is to be on the medium before it is answered. */
  void writeThrough(boolean on) {
    writeThrough = on;
  }

  /** Takes the header; a request without one, or without room for its status, is broken. */
  void begin(DescriptorChain chain) {
    if (chain.readableBytes() < HEADER_BYTES || chain.writableBytes() < 1) {
      throw new VirtqueueException(
          "disk request of %d octets with %d to answer in"
              .formatted(chain.readableBytes(), chain.writableBytes()));
    }
    chain.copyOut(0, header, 0, HEADER_BYTES);
  }

  /** Does what the header says and writes the status; without the platform's lock. */
  void carryOut(DescriptorChain chain) {
    int result;
    try {
      result = perform(chain);
    } catch (BlockErrorException e) {
      LOG.warn("disk request failed: {}", e.getMessage());
      result = STATUS_IO_ERROR;
    }
    status.set(ValueLayout.JAVA_BYTE, 0, (byte) result);
    chain.copyIn(chain.writableBytes() - 1, status, 0, 1);
  }

  private int perform(DescriptorChain chain) {
    long sector = header.get(U64, 8);
    long in = chain.writableBytes() - 1;
    long out = chain.readableBytes() - HEADER_BYTES;
    return switch (header.get(U32, 0)) {
      case TYPE_IN -> {
        if (!withinDisk(sector, in)) {
          yield STATUS_IO_ERROR;
        }
        chain.forEachWritable(
            0, in, (piece, position) -> backend.read(sector * SECTOR_BYTES + position, piece));
        yield STATUS_OK;
      }
      case TYPE_OUT -> {
        if (readOnly || !withinDisk(sector, out)) {
          yield STATUS_IO_ERROR;
        }
        chain.forEachReadable(
            HEADER_BYTES,
            out,
            (piece, position) -> backend.write(sector * SECTOR_BYTES + position, piece));
        yield written();
      }
      case TYPE_FLUSH -> {
        if (!readOnly) {
          backend.flush();
        }
        yield STATUS_OK;
      }
      case TYPE_GET_ID -> {
        chain.copyIn(0, MemorySegment.ofArray(id), 0, Math.min(in, ID_BYTES));
        yield STATUS_OK;
      }
      case TYPE_DISCARD -> eachRange(chain, out, false);
      case TYPE_WRITE_ZEROES -> eachRange(chain, out, true);
      default -> STATUS_UNSUPPORTED;
    };
  }

  private int written() {
    if (writeThrough) {
      backend.flush();
    }
    return STATUS_OK;
  }

  private boolean withinDisk(long sector, long sizeBytes) {
    return sizeBytes % SECTOR_BYTES == 0
        && sector >= 0
        && sector <= capacitySectors
        && sizeBytes / SECTOR_BYTES <= capacitySectors - sector;
  }

  /** Discarding is advice that a raw image does not take; zeroes are written. */
  private int eachRange(DescriptorChain chain, long sizeBytes, boolean zero) {
    if (readOnly || sizeBytes != RANGE_BYTES) {
      return readOnly ? STATUS_IO_ERROR : STATUS_UNSUPPORTED;
    }
    MemorySegment range = MemorySegment.ofArray(new byte[RANGE_BYTES]);
    chain.copyOut(HEADER_BYTES, range, 0, RANGE_BYTES);
    long sector = range.get(U64, 0);
    long sectors = range.get(U32, 8) & 0xffff_ffffL;
    if (sectors > MAX_ZERO_SECTORS || !withinDisk(sector, sectors * SECTOR_BYTES)) {
      return STATUS_IO_ERROR;
    }
    if (!zero) {
      return STATUS_OK;
    }
    long at = sector * SECTOR_BYTES;
    long end = at + sectors * SECTOR_BYTES;
    while (at < end) {
      long here = Math.min(zeroes.byteSize(), end - at);
      backend.write(at, zeroes.asSlice(0, here));
      at += here;
    }
    return written();
  }
}

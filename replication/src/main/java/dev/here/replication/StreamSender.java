package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.formats.wire.PageFrame;
import dev.here.formats.wire.WireProtocol;
import dev.here.machine.MemoryRegion;
import dev.here.machine.StagedPages;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Encodes and sends the pages of one data stream. One thread, the stream's own. It outlives a link:
 * what a broken link could not take is still noted in the shadow.
 */
final class StreamSender {
  private final int stream;
  private final int streams;
  private final PageEncoder encoder;
  private final PageFrame frame = new PageFrame();
  private int framesOfEpoch;
  private int pagesOfEpoch;

  StreamSender(int stream, int streams, Optional<MemorySegment> shadow) {
    this.stream = stream;
    this.streams = streams;
    this.encoder = new PageEncoder(shadow);
  }

  EncodingTally tally() {
    return encoder.tally();
  }

  /** Starts an epoch on this stream. */
  void begin(long epoch) {
    frame.begin(epoch);
    framesOfEpoch = 0;
    pagesOfEpoch = 0;
  }

  /** Sends those of {@code pages} that go this way, whole or as differences. */
  void send(Connection connection, long epoch, StagedPages pages, boolean whole)
      throws IOException {
    int count = pages.count();
    for (int slot = 0; slot < count; slot++) {
      int pageIndex = pages.pageIndex(slot);
      if (WireProtocol.streamOf(pageIndex, streams) == stream) {
        encoder.encode(pageIndex, pages.chunk(slot), StagedPages.offset(slot), frame, whole);
        if (frame.isFull()) {
          flush(connection, epoch);
        }
      }
    }
  }

  /** Sends every page of the shadow that is not all zeros. */
  void sendShadow(Connection connection, long epoch, MemorySegment shadow) throws IOException {
    int pageCount = (int) (shadow.byteSize() / MemoryRegion.PAGE_BYTES);
    for (int page = 0; page < pageCount; page++) {
      long offset = (long) page * MemoryRegion.PAGE_BYTES;
      if (WireProtocol.streamOf(page, streams) == stream && !PageEncoder.isZero(shadow, offset)) {
        encoder.encode(page, shadow, offset, frame, true);
        if (frame.isFull()) {
          flush(connection, epoch);
        }
      }
    }
  }

  /** Notes those of {@code pages} that go this way in the shadow only. */
  void absorb(StagedPages pages) {
    for (int slot = 0; slot < pages.count(); slot++) {
      int pageIndex = pages.pageIndex(slot);
      if (WireProtocol.streamOf(pageIndex, streams) == stream) {
        encoder.absorb(pageIndex, pages.chunk(slot), StagedPages.offset(slot));
      }
    }
  }

  /** Ends the epoch on this stream; returns its page entries. */
  int end(Connection connection, long epoch) throws IOException {
    flush(connection, epoch);
    connection.write(new Message.StreamEnd(epoch, pagesOfEpoch, framesOfEpoch));
    return pagesOfEpoch;
  }

  private void flush(Connection connection, long epoch) throws IOException {
    if (frame.entries() > 0) {
      pagesOfEpoch += frame.entries();
      framesOfEpoch++;
      connection.write(frame);
      frame.begin(epoch);
    }
  }
}

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
  private final SeedPacking packing = new SeedPacking();

  /** Time that the current frame's pages took until {@link #encodingSince}. */
  private long encodeNanos;

  private long encodingSince;
  private long wholePagesBefore;
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
    encoder.pack(epoch != WireProtocol.SEEDING_EPOCH || packing.packs());
    startFrame();
    framesOfEpoch = 0;
    pagesOfEpoch = 0;
  }

  private void startFrame() {
    encodeNanos = 0;
    wholePagesBefore = encoder.tally().wholePages();
  }

  /** Sends those of {@code pages} that go this way, whole or as differences. */
  void send(Connection connection, long epoch, StagedPages pages, boolean whole)
      throws IOException {
    int count = pages.count();
    encodingSince = System.nanoTime();
    for (int slot = 0; slot < count; slot++) {
      int pageIndex = pages.pageIndex(slot);
      if (WireProtocol.streamOf(pageIndex, streams) == stream) {
        encoder.encode(pageIndex, pages.chunk(slot), StagedPages.offset(slot), frame, whole);
        if (frame.isFull()) {
          flush(connection, epoch);
        }
      }
    }
    encodeNanos += System.nanoTime() - encodingSince;
  }

  /** Sends every page of the shadow that is not all zeros. */
  void sendShadow(Connection connection, long epoch, MemorySegment shadow) throws IOException {
    int pageCount = (int) (shadow.byteSize() / MemoryRegion.PAGE_BYTES);
    encodingSince = System.nanoTime();
    for (int page = 0; page < pageCount; page++) {
      long offset = (long) page * MemoryRegion.PAGE_BYTES;
      if (WireProtocol.streamOf(page, streams) == stream && !PageEncoder.isZero(shadow, offset)) {
        encoder.encode(page, shadow, offset, frame, true);
        if (frame.isFull()) {
          flush(connection, epoch);
        }
      }
    }
    encodeNanos += System.nanoTime() - encodingSince;
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
    encodingSince = System.nanoTime();
    flush(connection, epoch);
    connection.write(new Message.StreamEnd(epoch, pagesOfEpoch, framesOfEpoch));
    return pagesOfEpoch;
  }

  private void flush(Connection connection, long epoch) throws IOException {
    if (frame.entries() > 0) {
      pagesOfEpoch += frame.entries();
      framesOfEpoch++;
      long encoded = System.nanoTime();
      encodeNanos += encoded - encodingSince;
      connection.write(frame);
      encodingSince = System.nanoTime();
      if (epoch == WireProtocol.SEEDING_EPOCH) {
        packing.sent(
            encoder.tally().wholePages() - wholePagesBefore, encodeNanos, encodingSince - encoded);
        encoder.pack(packing.packs());
      }
      startFrame();
      frame.begin(epoch);
    }
  }
}

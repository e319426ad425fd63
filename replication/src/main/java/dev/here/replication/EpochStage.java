package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.formats.wire.PageCursor;
import dev.here.formats.wire.WireException;
import dev.here.machine.DirtySet;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * One epoch on the standby, between its first page and its commit. Nothing of it touches the
 * replica's memory before the whole epoch is here and in order.
 *
 * <pre>
 *   IDLE --first page, machine state or stream end of epoch n--> COLLECTING n
 *   COLLECTING n --complete and verified--> (commit) --applied--> IDLE
 *   any --connection lost or refused--> IDLE, thrown away
 * </pre>
 *
 * Each data stream has its own thread, its own log and its own words of the page set; the epoch's
 * bounds are exchanged under this object's monitor, a few times an epoch.
 */
final class EpochStage implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final DirtySet staged;
  private final PageLog[] logs;
  private final boolean[] ended;
  private long lastCommitted;
  private volatile long epoch = -1;
  private int announcedByStreams;
  private int endedStreams;
  private boolean closed;
  private Optional<Message.Machine> machine = Optional.empty();

  EpochStage(ReplicaStore store, int pageCount, int streams) {
    staged = new DirtySet(arena, pageCount);
    logs = new PageLog[streams];
    for (int stream = 0; stream < streams; stream++) {
      logs[stream] = new PageLog(store, stream);
    }
    ended = new boolean[streams];
  }

  PageLog[] logs() {
    return logs;
  }

  /** Starts anew after checkpoint {@code committed}; what was collected is forgotten. */
  synchronized void reset(long committed) {
    for (PageLog log : logs) {
      log.clear();
    }
    staged.clear();
    Arrays.fill(ended, false);
    announcedByStreams = 0;
    endedStreams = 0;
    machine = Optional.empty();
    lastCommitted = committed;
    epoch = -1;
    closed = false;
    notifyAll();
  }

  /** No more will come: whoever waits for this epoch gives up. */
  synchronized void abandon() {
    closed = true;
    notifyAll();
  }

  /** Before a data stream delivers something of {@code frameEpoch}: waits until its turn comes. */
  void enter(long frameEpoch) {
    if (epoch != frameEpoch) {
      awaitTurn(frameEpoch);
    }
  }

  private synchronized void awaitTurn(long frameEpoch) {
    while (epoch != frameEpoch) {
      if (closed) {
        throw new AbandonedEpochException();
      }
      if (epoch == -1) {
        if (frameEpoch <= lastCommitted) {
          throw new WireException(
              "epoch %d came after epoch %d was committed".formatted(frameEpoch, lastCommitted));
        }
        epoch = frameEpoch;
        notifyAll();
      } else if (!committing()) {
        throw new WireException(
            "epoch %d began while epoch %d was not complete".formatted(frameEpoch, epoch));
      } else {
        pause();
      }
    }
  }

  private boolean committing() {
    return endedStreams == logs.length;
  }

  /** Takes the cursor's current page. Called by the stream's own thread, inside its epoch. */
  void page(int stream, PageCursor entry, PageDecoder decoder, MemorySegment memory) {
    int pageIndex = entry.pageIndex();
    if (staged.contains(pageIndex)) {
      throw new WireException("page %d came twice in epoch %d".formatted(pageIndex, epoch));
    }
    staged.add(pageIndex);
    PageLog log = logs[stream];
    int slot = log.reserve(pageIndex);
    decoder.decode(
        entry,
        memory,
        (long) pageIndex * MemoryRegion.PAGE_BYTES,
        log.chunk(slot),
        PageLog.offset(slot));
  }

  /** A data stream has delivered its whole part. */
  synchronized void streamEnd(int stream, Message.StreamEnd end) {
    if (ended[stream]) {
      throw new WireException("stream %d ended epoch %d twice".formatted(stream, epoch));
    }
    if (end.pages() != logs[stream].count()) {
      throw new WireException(
          "stream %d announces %d pages of epoch %d, %d came"
              .formatted(stream, end.pages(), epoch, logs[stream].count()));
    }
    ended[stream] = true;
    endedStreams++;
    announcedByStreams += end.pages();
    notifyAll();
  }

  /** The machine state of the epoch has come, on the control connection. */
  synchronized void machine(Message.Machine message) {
    awaitTurn(message.epoch());
    if (machine.isPresent()) {
      throw new WireException("epoch %d has two machine states".formatted(epoch));
    }
    machine = Optional.of(message);
  }

  /**
   * Waits until all data streams have ended the epoch and checks the totals; returns the machine
   * state's octets.
   */
  synchronized byte[] complete(Message.EpochEnd end) {
    while (!committing()) {
      if (closed) {
        throw new AbandonedEpochException();
      }
      pause();
    }
    if (end.epoch() != epoch || machine.isEmpty()) {
      throw new WireException(
          "epoch %d ends while epoch %d stands staged%s"
              .formatted(end.epoch(), epoch, machine.isEmpty() ? " without machine state" : ""));
    }
    if (end.pages() != announcedByStreams) {
      throw new WireException(
          "epoch %d announces %d pages, %d came".formatted(epoch, end.pages(), announcedByStreams));
    }
    byte[] state = machine.get().state().toArray();
    CRC32C crc = new CRC32C();
    crc.update(state);
    if ((int) crc.getValue() != end.machineCrc32c()) {
      throw new WireException(
          "checksum of epoch %d's machine state does not match".formatted(epoch));
    }
    return state;
  }

  private void pause() {
    try {
      wait();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AbandonedEpochException();
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  /** The connections ended while somebody waited for the rest of an epoch. */
  static final class AbandonedEpochException extends RuntimeException {
    AbandonedEpochException() {
      super("the connection ended before the epoch was complete", null, false, false);
    }
  }
}

package dev.here.replication;

import dev.here.formats.wire.WireProtocol;
import dev.here.hypervisor.PageSink;
import dev.here.machine.MemoryRegion;
import dev.here.machine.StagedPages;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The first full copy: takes pages from the driver while the guest runs, and sends them by batches,
 * each stream's on its own thread. The driver is slowed down to what the streams take. When the
 * link breaks on the way the driver is let finish; with a shadow nothing is lost, and the standby
 * is seeded from the shadow later.
 */
final class Seeding implements PageSink, AutoCloseable {
  private static final int BATCH_PAGES = 256;
  private static final int BATCHES = 3;
  private static final MemorySegment ZEROS = Arena.global().allocate(MemoryRegion.PAGE_BYTES, 64);

  private final EpochSender sender;
  private final StandbyLink link;
  private final int pageCount;
  private final List<BlockingQueue<StagedPages>> free = new ArrayList<>();
  private final List<StagedPages> batches = new ArrayList<>();
  private final StagedPages[] current;
  private final List<Future<Integer>> ends = new ArrayList<>();
  private volatile boolean broken;

  /** What the streams' threads failed with, beside a broken link: pages may be missing anywhere. */
  private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

  private long pages;

  Seeding(EpochSender sender, StandbyLink link, int pageCount) {
    this.sender = sender;
    this.link = link;
    this.pageCount = pageCount;
    this.current = new StagedPages[sender.streams()];
    for (int stream = 0; stream < current.length; stream++) {
      BlockingQueue<StagedPages> queue = new ArrayBlockingQueue<>(BATCHES);
      for (int batch = 0; batch < BATCHES; batch++) {
        StagedPages pagesOfBatch = new StagedPages();
        batches.add(pagesOfBatch);
        queue.add(pagesOfBatch);
      }
      free.add(queue);
      current[stream] = takeFree(stream);
      ends.add(
          submit(
              stream,
              streamSender -> {
                streamSender.begin(WireProtocol.SEEDING_EPOCH);
                return 0;
              }));
    }
  }

  @Override
  public void page(int pageIndex, MemorySegment source, long sourceOffset) {
    if (pageIndex < 0 || pageIndex >= pageCount) {
      throw new ReplicationException(
          "the driver delivered page %d of a guest of %d pages".formatted(pageIndex, pageCount));
    }
    int stream = WireProtocol.streamOf(pageIndex, current.length);
    current[stream].add(pageIndex, source, sourceOffset);
    pages++;
    if (current[stream].count() == BATCH_PAGES) {
      submitBatch(stream);
      current[stream] = takeFree(stream);
    }
  }

  @Override
  public void zeroPage(int pageIndex) {
    page(pageIndex, ZEROS, 0);
  }

  /** Pages taken so far. */
  long pages() {
    return pages;
  }

  /**
   * The driver has delivered everything: sends the rest.
   *
   * @throws IOException when the link broke since the beginning
   * @throws ReplicationException when pages could not be sent for another reason
   */
  void finish() throws IOException, InterruptedException {
    for (int stream = 0; stream < current.length; stream++) {
      submitBatch(stream);
      Connection connection = link.stream(stream);
      ends.add(
          submit(
              stream,
              streamSender ->
                  broken ? 0 : streamSender.end(connection, WireProtocol.SEEDING_EPOCH)));
    }
    try {
      EpochSender.await(link, ends);
    } catch (IOException e) {
      requireWhole();
      throw e;
    }
    requireWhole();
    if (broken) {
      throw new IOException(link.reason());
    }
  }

  private void requireWhole() {
    RuntimeException unexpected = failure.get();
    if (unexpected != null) {
      throw new ReplicationException("the first copy could not be sent: " + unexpected, unexpected);
    }
  }

  /** Any failure but a broken link is kept, whoever looks at the future. */
  private Future<Integer> submit(int stream, EpochSender.StreamTask<Integer> task) {
    return sender.submit(
        stream,
        streamSender -> {
          try {
            return task.run(streamSender);
          } catch (RuntimeException e) {
            broken = true;
            failure.compareAndSet(null, e);
            link.fail("sending pages failed: " + e);
            return 0;
          }
        });
  }

  private void submitBatch(int stream) {
    StagedPages batch = current[stream];
    Connection connection = link.stream(stream);
    submit(
        stream,
        streamSender -> {
          try {
            if (broken) {
              streamSender.absorb(batch);
            } else {
              streamSender.send(connection, WireProtocol.SEEDING_EPOCH, batch, false);
            }
          } catch (IOException e) {
            broken = true;
            link.fail("sending pages failed: " + e.getMessage());
            streamSender.absorb(batch);
          } finally {
            batch.clear();
            free.get(stream).add(batch);
          }
          return 0;
        });
  }

  private StagedPages takeFree(int stream) {
    try {
      return free.get(stream).take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ReplicationException("the seeding was interrupted", e);
    }
  }

  /** Waits for the streams' threads, then frees the batches. */
  @Override
  public void close() {
    for (int stream = 0; stream < current.length; stream++) {
      Future<Integer> idle = sender.submit(stream, streamSender -> 0);
      try {
        idle.get();
      } catch (java.util.concurrent.ExecutionException e) {
        throw new IllegalStateException("a stream's thread failed: " + e.getCause(), e);
      } catch (InterruptedException e) {
        // Freeing memory under a thread that reads it would be worse than a leak.
        Thread.currentThread().interrupt();
        return;
      }
    }
    batches.forEach(StagedPages::close);
  }
}

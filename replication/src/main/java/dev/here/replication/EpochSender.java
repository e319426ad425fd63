package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.formats.wire.WireProtocol;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.machine.Bytes;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.StagedPages;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.zip.CRC32C;

/**
 * Sends epochs to the standby over several streams, each encoded by its own platform thread, while
 * the guest already runs the next epoch. One epoch is on its way at a time: what the standby holds
 * is then always known, and differences refer to it.
 *
 * <p>Keeps the shadow (see {@link PageEncoder}) where it is asked to: it costs as much memory as
 * the guest has, saves most of the bytes, and lets a standby that lost its replica be seeded again
 * without touching the hypervisor. Used by the loop's thread.
 */
final class EpochSender implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final Optional<MemorySegment> shadow;
  private final List<StreamSender> senders = new ArrayList<>();
  private final List<ExecutorService> threads = new ArrayList<>();

  EpochSender(MemoryMap memory, int streams, boolean withShadow) {
    shadow =
        withShadow
            ? Optional.of(arena.allocate(memory.backingSizeBytes(), MemoryRegion.PAGE_BYTES))
            : Optional.empty();
    for (int stream = 0; stream < streams; stream++) {
      senders.add(new StreamSender(stream, streams, shadow));
      threads.add(
          Executors.newSingleThreadExecutor(
              Thread.ofPlatform().name("encode-" + stream).daemon().factory()));
    }
  }

  int streams() {
    return senders.size();
  }

  boolean hasShadow() {
    return shadow.isPresent();
  }

  /** Runs {@code task} with stream {@code stream}'s sender on its thread. */
  <T> Future<T> submit(int stream, StreamTask<T> task) {
    return threads.get(stream).submit(Halt.guardCall(() -> task.run(senders.get(stream))));
  }

  /** Something that a stream's thread does with its sender. */
  interface StreamTask<T> {
    T run(StreamSender sender) throws IOException;
  }

  /**
   * Sends one epoch.
   *
   * @param machine gives the encoded machine state; called while pages are being sent
   * @param whole what the standby holds of these pages is not known
   * @return what was sent
   * @throws IOException when the link broke; it is closed then
   * @throws HypervisorGoneException when the machine state is not to be had any more; the link
   *     stands
   */
  Sent send(
      StandbyLink link, long epoch, StagedPages pages, Supplier<byte[]> machine, boolean whole)
      throws IOException, InterruptedException {
    long bytesBefore = link.sentBytes();
    List<Future<Integer>> parts = new ArrayList<>();
    for (int stream = 0; stream < streams(); stream++) {
      Connection connection = link.stream(stream);
      parts.add(
          submit(
              stream,
              sender -> {
                sender.begin(epoch);
                sender.send(connection, epoch, pages, whole);
                return sender.end(connection, epoch);
              }));
    }
    byte[] state;
    try {
      state = machine.get();
    } catch (HypervisorGoneException e) {
      // The link stays, to say goodbye on: no other epoch follows.
      awaitQuietly(link, parts);
      throw e;
    } catch (RuntimeException e) {
      link.fail("the machine state of epoch %d cannot be sent".formatted(epoch));
      awaitQuietly(link, parts);
      throw e;
    }
    int sentPages = await(link, parts);
    CRC32C crc = new CRC32C();
    crc.update(state);
    link.send(new Message.Machine(epoch, Bytes.of(state)));
    link.send(new Message.EpochEnd(epoch, sentPages, (int) crc.getValue()));
    return new Sent(sentPages, link.sentBytes() - bytesBefore);
  }

  /**
   * What went out for one epoch.
   *
   * @param pages page entries
   * @param bytes octets on all connections
   */
  record Sent(int pages, long bytes) {}

  /** Seeds a standby that holds nothing from the shadow, brought up to date with {@code staged}. */
  void seedFromShadow(StandbyLink link, StagedPages staged)
      throws IOException, InterruptedException {
    MemorySegment source = shadow.orElseThrow();
    List<Future<Integer>> parts = new ArrayList<>();
    for (int stream = 0; stream < streams(); stream++) {
      Connection connection = link.stream(stream);
      parts.add(
          submit(
              stream,
              sender -> {
                sender.absorb(staged);
                sender.begin(WireProtocol.SEEDING_EPOCH);
                sender.sendShadow(connection, WireProtocol.SEEDING_EPOCH, source);
                return sender.end(connection, WireProtocol.SEEDING_EPOCH);
              }));
    }
    await(link, parts);
  }

  /** The streams read the staged pages: they have to end before the pages are let go. */
  private static void awaitQuietly(StandbyLink link, List<Future<Integer>> parts)
      throws InterruptedException {
    try {
      await(link, parts);
    } catch (IOException e) {
      // The link was closed on purpose; the reason for that is what the caller throws.
    }
  }

  /** Waits for all parts, even when one has failed: they read what the caller owns. */
  static int await(StandbyLink link, List<Future<Integer>> parts)
      throws IOException, InterruptedException {
    int pages = 0;
    Optional<Throwable> failure = Optional.empty();
    for (Future<Integer> part : parts) {
      try {
        pages += part.get();
      } catch (ExecutionException e) {
        link.fail("sending pages failed: " + e.getCause());
        // A link that broke because of another stream's failure says nothing of that.
        if (failure.filter(RuntimeException.class::isInstance).isEmpty()) {
          failure = Optional.ofNullable(e.getCause());
        }
      }
    }
    if (failure.isPresent()) {
      if (failure.get() instanceof RuntimeException unexpected) {
        throw unexpected;
      }
      throw new IOException(link.reason(), failure.get());
    }
    return pages;
  }

  /** Counts of all streams; read between epochs. */
  long unchangedPages() {
    long sum = 0;
    for (StreamSender sender : senders) {
      sum += sender.tally().unchangedPages;
    }
    return sum;
  }

  /** Ends the streams' threads; waits for what they still do. */
  @Override
  public void close() {
    threads.forEach(ExecutorService::close);
    arena.close();
  }
}

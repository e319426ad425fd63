package dev.here.bench;

import dev.here.ffi.NativeException;
import dev.here.ffi.Threads;
import dev.here.lab.AnsweringFirmware;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;

/**
 * A client of the service of {@link AnsweringFirmware}: sends a request every 10 ms, whether the
 * ones before are answered or not, and accounts for the answers. No request is sent again.
 */
public final class ServiceClient implements AutoCloseable {
  private static final long PERIOD_NANOS = 10_000_000;

  private final InetSocketAddress service;
  private final DatagramChannel channel;
  private final AnswerTally tally = new AnswerTally(System.nanoTime());

  private ServiceClient(InetSocketAddress service, DatagramChannel channel) {
    this.service = service;
    this.channel = channel;
  }

  /** What it has seen so far. */
  public SeenAnswers seen() {
    return tally.seen(System.nanoTime());
  }

  /** Number of the last request that it sent. */
  int sent() {
    return tally.sent();
  }

  /**
   * Which requests after {@code sequence} were never answered, though later ones were, by the time
   * that they were sent after it, ms.
   */
  List<Long> unansweredAfter(int sequence) {
    return tally.unanswered(sequence).stream()
        .map(number -> (number - sequence) * PERIOD_NANOS / 1_000_000)
        .toList();
  }

  /** The longest gap is looked for anew; the one that is open counts whole. */
  public void mark() {
    tally.mark();
  }

  /**
   * Begins to ask.
   *
   * @param pid a process in whose network the client is
   * @param address the guest's
   */
  static ServiceClient start(long pid, String address) {
    CompletableFuture<DatagramChannel> opened = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            // A socket stays in the network in which it was made, and this thread has no more to
            // do.
            Threads.enterNetworkOf(pid);
            opened.complete(DatagramChannel.open(StandardProtocolFamily.INET));
          } catch (IOException | NativeException e) {
            opened.completeExceptionally(e);
          }
        });
    ServiceClient client;
    try {
      client =
          new ServiceClient(new InetSocketAddress(address, AnsweringFirmware.PORT), opened.join());
    } catch (CompletionException e) {
      throw new BenchException("no socket in the guests' network: " + e.getMessage(), e);
    }
    Thread.ofPlatform().daemon().name("answers of " + address).start(client::receive);
    Thread.ofPlatform().daemon().name("requests to " + address).start(client::send);
    return client;
  }

  private void send() {
    ByteBuffer request = buffer();
    long due = System.nanoTime();
    try {
      while (channel.isOpen()) {
        request.clear().limit(AnsweringFirmware.REQUEST_BYTES);
        request.putLong(0, tally.nextSequence());
        ask(request);
        due = Math.max(due + PERIOD_NANOS, System.nanoTime());
        LockSupport.parkNanos(due - System.nanoTime());
      }
    } catch (ClosedChannelException e) {
      // The client was closed.
    }
  }

  private void ask(ByteBuffer request) throws ClosedChannelException {
    try {
      channel.send(request, service);
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      // The network knows no way to the guest: a request that is lost, and counted so.
    }
  }

  private void receive() {
    ByteBuffer answer = buffer();
    try {
      while (true) {
        channel.receive(answer.clear());
        if (answer.position() == AnsweringFirmware.REQUEST_BYTES) {
          tally.answer(
              (int) answer.getLong(0),
              Integer.toUnsignedLong(answer.getInt(AnsweringFirmware.ANSWERS_OFFSET)),
              Integer.toUnsignedLong(answer.getInt(AnsweringFirmware.TICKS_OFFSET)),
              System.nanoTime());
        }
      }
    } catch (IOException e) {
      // Closed; a socket without a connection does not end otherwise.
    }
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(2048).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new BenchException("a client's socket cannot be closed: " + e.getMessage(), e);
    }
  }
}

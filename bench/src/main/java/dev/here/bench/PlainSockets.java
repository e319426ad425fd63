package dev.here.bench;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Loopback TCP connections that carry octets as they are, each end on a thread of its own. */
final class PlainSockets {
  private static final int CHUNK_BYTES = 1 << 18;

  private PlainSockets() {}

  /** Carries {@code memory} once, an equal part on each connection; returns how long it took. */
  static long carryNanos(MemorySegment memory, int connections)
      throws IOException, InterruptedException {
    long part = memory.byteSize() / connections;
    List<SocketChannel> open = new ArrayList<>();
    List<Callable<Void>> ends = new ArrayList<>();
    try (ServerSocketChannel server = ServerSocketChannel.open();
        ExecutorService threads = Executors.newFixedThreadPool(2 * connections)) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      for (int at = 0; at < connections; at++) {
        SocketChannel sender = SocketChannel.open(server.getLocalAddress());
        open.add(sender);
        sender.setOption(StandardSocketOptions.TCP_NODELAY, true);
        SocketChannel receiver = server.accept();
        open.add(receiver);
        MemorySegment slice = memory.asSlice(at * part, part);
        ends.add(() -> send(sender, slice));
        ends.add(() -> receive(receiver, part));
      }
      long start = System.nanoTime();
      for (Future<Void> end : threads.invokeAll(ends)) {
        end.get();
      }
      return System.nanoTime() - start;
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } finally {
      for (SocketChannel channel : open) {
        channel.close();
      }
    }
  }

  private static Void send(SocketChannel channel, MemorySegment memory) throws IOException {
    for (long at = 0; at < memory.byteSize(); at += CHUNK_BYTES) {
      ByteBuffer chunk =
          memory.asSlice(at, Math.min(CHUNK_BYTES, memory.byteSize() - at)).asByteBuffer();
      while (chunk.hasRemaining()) {
        channel.write(chunk);
      }
    }
    return null;
  }

  private static Void receive(SocketChannel channel, long sizeBytes) throws IOException {
    ByteBuffer room = ByteBuffer.allocateDirect(CHUNK_BYTES);
    long left = sizeBytes;
    while (left > 0) {
      room.clear();
      int count = channel.read(room);
      if (count < 0) {
        throw new IOException("the connection ended early");
      }
      left -= count;
    }
    return null;
  }
}

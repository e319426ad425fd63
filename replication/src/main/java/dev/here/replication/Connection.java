package dev.here.replication;

import dev.here.formats.wire.FrameReader;
import dev.here.formats.wire.FrameWriter;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.PageFrame;
import java.io.IOException;
import java.nio.channels.ByteChannel;

/**
 * One authenticated connection with its frames. One thread reads; several may write, a frame at a
 * time. Closing it ends whoever waits on it.
 */
final class Connection implements AutoCloseable {
  private final ByteChannel channel;
  private final FrameReader reader;
  private final FrameWriter writer;

  /**
   * Carries frames over a channel whose ends have proven who they are.
   *
   * @param version of the protocol, as the handshake found it
   */
  Connection(ByteChannel channel, int version) {
    this.channel = channel;
    this.reader = new FrameReader(channel, version);
    this.writer = new FrameWriter(channel, version);
  }

  FrameReader reader() {
    return reader;
  }

  synchronized void write(Message message) throws IOException {
    writer.write(message);
  }

  synchronized void write(PageFrame pages) throws IOException {
    writer.write(pages);
  }

  /** Octets written so far. */
  synchronized long sentBytes() {
    return writer.sentBytes();
  }

  @Override
  public void close() {
    close(channel);
  }

  static void close(ByteChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // A connection that cannot be closed properly is as gone as it can be.
    }
  }
}

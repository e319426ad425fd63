package dev.here.lab;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * One command on a lab host, with its three streams (docs/specs/lab-exec.md). Closing the session
 * before the command's end kills the command's process group; what it started in sessions of their
 * own (setsid) goes on.
 */
public final class ExecSession implements AutoCloseable {
  private static final byte[] MAGIC = "HLX1".getBytes(StandardCharsets.US_ASCII);
  private static final int PART_BYTES = 1 << 15;
  private static final int FRAME_MAX_BYTES = 1 << 20;

  private final SocketChannel channel;
  private final DataInputStream in;
  private final OutputStream out;

  /**
   * Starts a command.
   *
   * @param socket the host's control socket, on this machine
   * @param command a line for bash
   */
  ExecSession(Path socket, String command) throws IOException {
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      in = new DataInputStream(Channels.newInputStream(channel));
      out = Channels.newOutputStream(channel);
      out.write(MAGIC);
      send('C', command.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private void send(char type, byte[] data) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(5 + data.length);
    frame.put((byte) type).putInt(data.length).put(data);
    out.write(frame.array());
  }

  /** Sends bytes to the command's standard input. */
  public void write(byte[] data) throws IOException {
    for (int at = 0; at < data.length; at += PART_BYTES) {
      int end = Math.min(data.length, at + PART_BYTES);
      send('I', java.util.Arrays.copyOfRange(data, at, end));
    }
  }

  /** Copies a stream to the command's standard input. */
  public void write(InputStream source) throws IOException {
    byte[] part = new byte[PART_BYTES];
    for (int n = source.read(part); n >= 0; n = source.read(part)) {
      send('I', java.util.Arrays.copyOf(part, n));
    }
  }

  /** Ends the command's standard input. */
  public void endInput() throws IOException {
    send('E', new byte[0]);
  }

  /**
   * Copies the command's outputs until it ends.
   *
   * @return its exit code, or 128 plus the signal that ended it
   */
  public int transferTo(OutputStream output, OutputStream errors) throws IOException {
    while (true) {
      int type = in.readUnsignedByte();
      int size = in.readInt();
      if (size < 0 || size > FRAME_MAX_BYTES) {
        throw new IOException("the lab host's agent announces a frame of %d bytes".formatted(size));
      }
      byte[] data = in.readNBytes(size);
      if (data.length < size) {
        throw new IOException("the lab host's agent went away in the middle of a frame");
      }
      switch (type) {
        case 'O' -> {
          output.write(data);
          output.flush();
        }
        case 'R' -> {
          errors.write(data);
          errors.flush();
        }
        case 'X' -> {
          return ByteBuffer.wrap(data).getInt();
        }
        default -> throw new IOException("the lab host's agent sent a frame of type " + type);
      }
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new LabException("the connection to a lab host's agent cannot be closed", e);
    }
  }
}

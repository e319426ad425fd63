package dev.here.replication;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;

/** Opens blocking connections to one peer. Closing a connection ends a read that waits on it. */
@FunctionalInterface
public interface Dialer {
  /** A new connection, made within the time-out that the dialer was given. */
  ByteChannel dial() throws IOException;

  /** TCP connections to {@code peer}. */
  static Dialer tcp(InetSocketAddress peer, int timeoutMillis) {
    return () -> {
      SocketChannel channel = SocketChannel.open();
      try {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.socket().connect(peer, timeoutMillis);
        return channel;
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    };
  }
}

package dev.here.host;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A network between a client and a server that can be silenced in either direction, with the
 * connections left open, or cut.
 */
final class TcpRelay implements AutoCloseable {
  private final ServerSocket listener;
  private final InetSocketAddress target;
  private final Collection<Socket> sockets = new ConcurrentLinkedQueue<>();
  private volatile boolean toServerSilent;
  private volatile boolean toClientSilent;
  private volatile boolean refusing;
  private volatile String silencingText = "";

  TcpRelay(InetSocketAddress target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  String address() {
    return "127.0.0.1:" + listener.getLocalPort();
  }

  /** What the client sends vanishes from now on, on new connections too. */
  void silenceToServer(boolean silent) {
    toServerSilent = silent;
  }

  /** What the server sends vanishes from now on, on new connections too. */
  void silenceToClient(boolean silent) {
    toClientSilent = silent;
  }

  /** The server goes silent just before it is sent something that contains {@code text}. */
  void silenceToClientFrom(String text) {
    silencingText = text;
  }

  /** Ends all connections; new ones end at once until {@link #mend}. */
  void cut() throws IOException {
    refusing = true;
    for (Socket socket : sockets) {
      socket.close();
    }
    sockets.clear();
  }

  void mend() {
    refusing = false;
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = listener.accept();
      if (refusing) {
        client.close();
        continue;
      }
      Socket server = new Socket(target.getAddress(), target.getPort());
      sockets.add(client);
      sockets.add(server);
      start(() -> carry(client, server, true));
      start(() -> carry(server, client, false));
    }
  }

  private void carry(Socket from, Socket to, boolean toServer) throws IOException {
    byte[] octets = new byte[1 << 16];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(octets); n >= 0; n = in.read(octets)) {
        String text = new String(octets, 0, n, StandardCharsets.ISO_8859_1);
        if (toServer && !silencingText.isEmpty() && text.contains(silencingText)) {
          silencingText = "";
          toClientSilent = true;
        }
        if (!(toServer ? toServerSilent : toClientSilent)) {
          out.write(octets, 0, n);
        }
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void start(Work work) {
    Thread.ofVirtual()
        .start(() -> {
          try {
            work.run();
          } catch (IOException e) {
            // The connection or the relay is closed: this thread has nothing left to do.
          }
        });
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}

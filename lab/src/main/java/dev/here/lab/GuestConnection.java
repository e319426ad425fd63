package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * One TCP connection to the service of the lab's guest (guestd.c says what it can be asked). It is
 * never made anew: a connection that breaks is an error, since keeping it is what HERE is for.
 */
final class GuestConnection implements AutoCloseable {
  private static final int CONNECT_MILLIS = 10_000;

  private final Socket socket;
  private final BufferedReader in;

  /**
   * Connects.
   *
   * @param patienceMillis how long an answer may take before the connection counts as lost
   */
  GuestConnection(String host, int port, int patienceMillis) throws IOException {
    socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(patienceMillis);
      socket.connect(new InetSocketAddress(host, port), CONNECT_MILLIS);
      in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** Sends requests in one write; they are answered in their order. */
  void send(List<String> requests) throws IOException {
    String lines = String.join("\n", requests) + "\n";
    socket.getOutputStream().write(lines.getBytes(StandardCharsets.US_ASCII));
  }

  /** The next answer. */
  String receive() throws IOException {
    String line = in.readLine();
    if (line == null) {
      throw new IOException("the guest closed the connection");
    }
    return line;
  }

  String ask(String request) throws IOException {
    send(List.of(request));
    return receive();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

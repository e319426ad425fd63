package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One TCP connection to the service of the lab's guest (guestd.c says what it can be asked). Once
 * made it is never made anew: a connection that breaks is an error, since keeping it is what HERE
 * is for.
 */
final class GuestConnection implements AutoCloseable {
  /** A protected guest's first answer waits for a commit: several seconds on a slow machine. */
  private static final int CONNECT_MILLIS = 60_000;

  private static final int AGAIN_MILLIS = 200;

  private final Socket socket;
  private final BufferedReader in;

  /**
   * Connects. A guest that does not answer yet, or not for a while, is asked again for a minute.
   *
   * @param patienceMillis how long an answer may take before the connection counts as lost
   */
  GuestConnection(String host, int port, int patienceMillis) throws IOException {
    socket = connect(new InetSocketAddress(host, port));
    try {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(patienceMillis);
      in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static Socket connect(InetSocketAddress address) throws IOException {
    long endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CONNECT_MILLIS);
    while (true) {
      Socket socket = new Socket();
      try {
        long leftMillis = TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
        socket.connect(address, Math.toIntExact(Math.max(1, leftMillis)));
        return socket;
      } catch (NoRouteToHostException | ConnectException e) {
        socket.close();
        if (System.nanoTime() - endNanos > 0) {
          throw e;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(AGAIN_MILLIS));
      } catch (IOException e) {
        socket.close();
        throw e;
      }
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

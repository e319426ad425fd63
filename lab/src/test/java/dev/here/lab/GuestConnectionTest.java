package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class GuestConnectionTest {
  private static final int PATIENCE_MILLIS = 20_000;

  @Test
  void aGuestThatDoesNotListenYetIsAskedAgain() throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket server = new ServerSocket()) {
      server.bind(new InetSocketAddress(loopback, 0));
      int port = server.getLocalPort();
      server.close();
      CompletableFuture<String> answer =
          CompletableFuture.supplyAsync(() -> ask(loopback.getHostAddress(), port, "boot"));
      assertThatThrownBy(() -> new Socket(loopback, port).close()).isInstanceOf(IOException.class);
      try (ServerSocket late = new ServerSocket(port, 1, loopback);
          Socket client = late.accept()) {
        String request = readLine(client);
        client
            .getOutputStream()
            .write(("answer to " + request + "\n").getBytes(StandardCharsets.US_ASCII));
        assertThat(answer.join()).isEqualTo("answer to boot");
      }
    }
  }

  @Test
  void aConnectionThatBreaksIsNotMadeAnew() throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket server = new ServerSocket(0, 1, loopback);
        GuestConnection connection =
            new GuestConnection(
                loopback.getHostAddress(), server.getLocalPort(), PATIENCE_MILLIS)) {
      server.accept().close();
      assertThatThrownBy(() -> connection.ask("boot")).isInstanceOf(IOException.class);
    }
  }

  private static String ask(String host, int port, String request) {
    try (GuestConnection connection = new GuestConnection(host, port, PATIENCE_MILLIS)) {
      return connection.ask(request);
    } catch (IOException e) {
      return "error: " + e;
    }
  }

  private static String readLine(Socket client) throws IOException {
    return new BufferedReader(
            new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII))
        .readLine();
  }
}

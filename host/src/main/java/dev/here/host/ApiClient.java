package dev.here.host;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Asks a daemon over its Unix socket: HTTP with JSON both ways. */
public final class ApiClient {
  /** Where a host's daemon listens unless told otherwise. */
  public static final Path DEFAULT_SOCKET = Path.of("/run/here/hered.sock");

  private final Path socket;

  public ApiClient(Path socket) {
    this.socket = socket;
  }

  public JsonNode get(String target) {
    return ask("GET", target, "");
  }

  public JsonNode post(String target, Object body) {
    return ask("POST", target, JsonFile.JSON.writeValueAsString(body));
  }

  public JsonNode delete(String target) {
    return ask("DELETE", target, "");
  }

  private JsonNode ask(String method, String target, String body) {
    byte[] content = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            .formatted(method, target, content.length);
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      ByteBuffer request =
          ByteBuffer.allocate(head.length() + content.length)
              .put(head.getBytes(StandardCharsets.US_ASCII))
              .put(content)
              .flip();
      while (request.hasRemaining()) {
        channel.write(request);
      }
      ByteBuffer response = HttpText.readMessage(channel);
      JsonNode answer = JsonFile.JSON.readTree(HttpText.body(response));
      if (HttpText.status(response) >= 400) {
        throw new HostException(
            answer.path("error").asString("the daemon refused without a reason"));
      }
      return answer;
    } catch (IOException e) {
      throw new HostException(
          "no daemon answers at %s (%s); start one with: here hered"
              .formatted(socket, e.getMessage()),
          e);
    } catch (JacksonException e) {
      throw new HostException("the daemon at " + socket + " gave an answer that is not JSON", e);
    }
  }
}

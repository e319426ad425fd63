package dev.here.host;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Asks a daemon over its Unix socket: HTTP with JSON both ways. */
public final class ApiClient {
  /** Where a host's daemon listens unless told otherwise. */
  public static final Path DEFAULT_SOCKET = Path.of("/run/here/hered.sock");

  private static final Logger LOG = LoggerFactory.getLogger(ApiClient.class);

  /** Longer than any request takes. */
  private static final Duration USUAL_LIMIT = Duration.ofMinutes(5);

  private final Path socket;
  private final Duration limit;

  public ApiClient(Path socket) {
    this(socket, USUAL_LIMIT);
  }

  /**
   * @param limit how long to wait for an answer
   */
  public ApiClient(Path socket, Duration limit) {
    this.socket = socket;
    this.limit = limit;
  }

  /** There is somebody at the socket, but no answer came in time. */
  public static final class SilentException extends HostException {
    private static final long serialVersionUID = 1L;

    SilentException(String message, Throwable cause) {
      super(message, cause);
    }
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
    ByteBuffer request =
        ByteBuffer.allocate(head.length() + content.length)
            .put(head.getBytes(StandardCharsets.US_ASCII))
            .put(content)
            .flip();
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      ByteBuffer response = exchange(channel, request);
      JsonNode answer = JsonFile.JSON.readTree(HttpText.body(response));
      if (HttpText.status(response) >= 400) {
        throw new HostException(
            answer.path("error").asString("the daemon refused without a reason"));
      }
      return answer;
    } catch (AsynchronousCloseException e) {
      throw new SilentException(
          "the daemon at %s did not answer %s %s within %d ms"
              .formatted(socket, method, target, limit.toMillis()),
          e);
    } catch (IOException e) {
      throw new HostException(
          "no daemon answers at %s (%s); start one with: here hered"
              .formatted(socket, e.getMessage()),
          e);
    } catch (JacksonException e) {
      throw new HostException("the daemon at " + socket + " gave an answer that is not JSON", e);
    }
  }

  private ByteBuffer exchange(SocketChannel channel, ByteBuffer request) throws IOException {
    Thread watch = Thread.ofVirtual().start(() -> closeAfterLimit(channel));
    try {
      while (request.hasRemaining()) {
        channel.write(request);
      }
      return HttpText.readMessage(channel);
    } finally {
      watch.interrupt();
    }
  }

  private void closeAfterLimit(SocketChannel channel) {
    try {
      Thread.sleep(limit);
      channel.close();
    } catch (InterruptedException e) {
      // It was answered in time.
    } catch (IOException e) {
      LOG.debug("the connection to {} did not close", socket, e);
    }
  }
}

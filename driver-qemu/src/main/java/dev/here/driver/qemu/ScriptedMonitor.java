package dev.here.driver.qemu;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A QMP server that answers from a script, for rehearsals and tests; it serves one client, as QEMU
 * does.
 */
final class ScriptedMonitor implements AutoCloseable {
  static final String GREETING =
      "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7},"
          + " \"package\": \"Fake\"}, \"capabilities\": [\"oob\"]}}\r\n";
  static final String OK = "{}";

  private static final JsonMapper JSON = JsonMapper.builder().build();

  final List<String> commands = new CopyOnWriteArrayList<>();

  /** Command to the JSON text of its answer; an empty answer means silence. */
  final Map<String, Function<JsonNode, Optional<String>>> answers = new ConcurrentHashMap<>();

  private final ServerSocketChannel server;
  private final CompletableFuture<SocketChannel> accepted = new CompletableFuture<>();

  ScriptedMonitor(Path socket) throws IOException {
    this(socket, GREETING);
  }

  ScriptedMonitor(Path socket, String greeting) throws IOException {
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    answer("qmp_capabilities", OK);
    Thread.ofVirtual().start(() -> serve(greeting));
  }

  /** Answers {@code command} with {@code returned}, the JSON text of the return value. */
  void answer(String command, String returned) {
    answers.put(command, request -> Optional.of("{\"return\": " + returned + "}"));
  }

  void silent(String command) {
    answers.put(command, request -> Optional.empty());
  }

  void refuse(String command, String errorClass, String description) {
    answers.put(
        command,
        request ->
            Optional.of(
                "{\"error\": {\"class\": \"%s\", \"desc\": \"%s\"}}"
                    .formatted(errorClass, description)));
  }

  /** Sends text to the client as it is. */
  void send(String text) {
    try {
      accepted.join().write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  void hangUp() throws IOException {
    accepted.join().close();
  }

  private void serve(String greeting) {
    try {
      SocketChannel client = server.accept();
      accepted.complete(client);
      send(greeting);
      var framer = new JsonFramer();
      var buffer = ByteBuffer.allocate(4096);
      while (client.read(buffer.clear()) >= 0) {
        buffer.flip();
        for (var octets = framer.next(buffer); octets.isPresent(); octets = framer.next(buffer)) {
          respond(JSON.readTree(octets.get()));
        }
      }
    } catch (IOException e) {
      // The client has gone, or this was closed.
    }
  }

  private void respond(JsonNode request) {
    String command = request.path("execute").asString("");
    commands.add(command);
    var answer = answers.get(command);
    Optional<String> text =
        answer == null
            ? Optional.of(
                "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no %s here\"}}"
                    .formatted(command))
            : answer.apply(request);
    text.ifPresent(
        body -> send(body.replaceFirst("\\{", "{\"id\": " + request.path("id") + ", ") + "\r\n"));
  }

  @Override
  public void close() throws IOException {
    server.close();
    SocketChannel client = accepted.getNow(null);
    if (client != null) {
      client.close();
    }
  }
}

package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Writer;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A QMP connection to the QEMU of a virtual host (QEMU, docs/interop/qmp-spec.txt). */
final class Qmp implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long LISTEN_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long RETRY_MILLIS = 20;

  private final SocketChannel channel;
  private final BufferedReader in;
  private final Writer out;

  Qmp(Path socket) {
    this(socket, 0);
  }

  /** To a QEMU that starts: it makes its socket a moment before it listens there. */
  static Qmp ofStarting(Path socket) {
    return new Qmp(socket, LISTEN_NANOS);
  }

  private Qmp(Path socket, long patienceNanos) {
    try {
      channel = connect(socket, patienceNanos);
      in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      out = Channels.newWriter(channel, StandardCharsets.UTF_8);
      in.readLine();
      execute("qmp_capabilities", Map.of());
    } catch (IOException e) {
      throw new LabException("no QMP connection to %s: %s".formatted(socket, e.getMessage()), e);
    }
  }

  private static SocketChannel connect(Path socket, long patienceNanos) throws IOException {
    long deadline = System.nanoTime() + patienceNanos;
    while (true) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
      } catch (IOException e) {
        channel.close();
        if (!(e instanceof ConnectException) || System.nanoTime() > deadline) {
          throw e;
        }
      }
      try {
        Thread.sleep(RETRY_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  /** Executes one command and returns its "return"; events that come in between are skipped. */
  JsonNode execute(String command, Map<String, ?> arguments) {
    try {
      out.write(JSON.writeValueAsString(Map.of("execute", command, "arguments", arguments)) + "\n");
      out.flush();
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonNode answer = JSON.readTree(line);
        if (answer.has("return")) {
          return answer.get("return");
        }
        if (answer.has("error")) {
          throw new LabException("QMP %s: %s".formatted(command, answer.get("error")));
        }
      }
      throw new LabException("QEMU closed its QMP connection during " + command);
    } catch (IOException e) {
      throw new LabException("QMP %s failed: %s".formatted(command, e.getMessage()), e);
    }
  }

  /** Waits until QEMU's migration, in or out, has ended well. */
  void awaitMigration(long deadlineNanos) {
    while (System.nanoTime() < deadlineNanos) {
      JsonNode state = execute("query-migrate", Map.of());
      String status = state.has("status") ? state.get("status").asString() : "none";
      switch (status) {
        case "completed" -> {
          return;
        }
        case "failed", "cancelled" ->
            throw new LabException("a virtual host's state could not be moved: " + state);
        default -> Tool.pause(20);
      }
    }
    throw new LabException("a virtual host's state was not moved in time");
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new LabException("a QMP connection cannot be closed", e);
    }
  }
}

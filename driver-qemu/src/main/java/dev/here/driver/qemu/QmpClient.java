package dev.here.driver.qemu;

import dev.here.ffi.Threads;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One connection to QEMU's machine protocol (QMP; docs/specs/qmp-use.md). Commands may come from
 * several threads; QEMU answers them in order. A QMP socket serves one client at a time, so as long
 * as this is open nobody else gets an answer there.
 *
 * <p>Every command has a time-out. When it passes, {@link QemuSilentException} is thrown and a late
 * answer is dropped; the connection stays usable. When QEMU closes the connection, waiting and
 * later commands throw {@link HypervisorGoneException}.
 */
public final class QmpClient implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QmpClient.class);
  private static final int READ_BYTES = 64 << 10;

  /** More unanswered commands than this and the socket's buffer could block the writer. */
  private static final int MAX_UNANSWERED = 64;

  /**
   * Makes QEMU's JSON parser forget what came so far; it says so in an error without an id
   * (docs/interop/qmp-spec, "Forcing the JSON parser into known-good state").
   */
  private static final byte[] PARSER_RESET = {(byte) 0xff};

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(128)
                          .maxStringLength(JsonFramer.MAX_MESSAGE_BYTES)
                          .build())
                  .build())
          .build();

  private final Path socket;
  private final SocketChannel channel;
  private final ReentrantLock writing = new ReentrantLock();
  private final AtomicLong lastId = new AtomicLong();
  private final Map<Long, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final List<Consumer<QmpEvent>> listeners = new CopyOnWriteArrayList<>();
  private final CompletableFuture<JsonNode> greeting = new CompletableFuture<>();
  private final CompletableFuture<String> ended = new CompletableFuture<>();
  private volatile QemuVersion version = QemuVersion.UNKNOWN;
  private volatile int readerTid;

  /** Guarded by {@link #writing}. */
  private @Nullable Prepared prepared;

  private QmpClient(Path socket, SocketChannel channel) {
    this.socket = socket;
    this.channel = channel;
  }

  /**
   * Connects and negotiates.
   *
   * @throws HypervisorGoneException when nobody listens there
   * @throws QemuSilentException when QEMU does not greet in time: another client has the socket, or
   *     QEMU hangs; the text says which where that can be seen
   */
  public static QmpClient connect(Path socket, Duration timeout) {
    SocketChannel channel = open(socket);
    var client = new QmpClient(socket, channel);
    try {
      // Answers are part of checkpoints' pauses: a platform thread wakes sooner.
      Thread.ofPlatform().daemon().name("qmp-" + socket.getFileName()).start(client::readAll);
      JsonNode greeting = client.await("the greeting", client.greeting, timeout);
      client.version = QemuVersion.of(greeting.path("QMP").path("version"));
      client.execute("qmp_capabilities", timeout);
      return client;
    } catch (QemuSilentException e) {
      client.close();
      throw new QemuSilentException(
          "%s did not greet within %d ms: %s"
              .formatted(socket, timeout.toMillis(), UnixPeers.silenceReason(socket)));
    } catch (HypervisorException e) {
      client.close();
      throw e;
    }
  }

  private static SocketChannel open(Path socket) {
    SocketChannel channel = null;
    try {
      channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      channel.connect(UnixDomainSocketAddress.of(socket));
      return channel;
    } catch (IOException e) {
      if (channel != null) {
        closeQuietly(channel);
      }
      throw new HypervisorGoneException(
          ("cannot connect to the QMP socket %s: %s; QEMU must run with -qmp"
                  + " unix:%s,server=on,wait=off and the socket must be readable for this user")
              .formatted(socket, e.getMessage(), socket),
          e);
    }
  }

  /** The version that QEMU gave in its greeting. */
  public QemuVersion version() {
    return version;
  }

  /** The kernel's id of the thread that takes QEMU's answers. */
  public int readerTid() {
    return readerTid;
  }

  /** The socket that this is connected to. */
  public Path socket() {
    return socket;
  }

  /**
   * Adds a listener, called on the reading thread for every event from now on. It must return
   * quickly and must not execute commands.
   */
  public void listen(Consumer<QmpEvent> listener) {
    listeners.add(listener);
  }

  /** Removes a listener. */
  public void unlisten(Consumer<QmpEvent> listener) {
    listeners.remove(listener);
  }

  /** Why the connection has ended; empty as long as it stands. */
  public Optional<String> ended() {
    return Optional.ofNullable(ended.getNow(null));
  }

  /** Has {@code seen} run when the connection has ended; at once if it has. */
  void onEnd(Runnable seen) {
    var unused = ended.thenRun(seen);
  }

  /** Executes a command without arguments and returns its answer. */
  public JsonNode execute(String command, Duration timeout) {
    return execute(command, Map.of(), timeout);
  }

  /**
   * Executes a command and returns its answer.
   *
   * @throws QmpErrorException when QEMU refuses it
   * @throws QemuSilentException when no answer comes in time
   * @throws HypervisorGoneException when the connection has ended
   */
  public JsonNode execute(String command, Map<String, ?> arguments, Duration timeout) {
    return begin(command, arguments).await(timeout);
  }

  /**
   * Sends a command and does not wait: QEMU executes commands one after the other, so that several
   * may be on their way.
   *
   * @throws HypervisorGoneException when the connection has ended
   */
  public Answer begin(String command, Map<String, ?> arguments) {
    Answer answer = expect(command);
    try {
      send(command, ByteBuffer.wrap(encode(answer.id, command, arguments)));
    } catch (HypervisorException e) {
      waiting.remove(answer.id);
      throw e;
    }
    return answer;
  }

  private Answer expect(String command) {
    if (waiting.size() >= MAX_UNANSWERED) {
      throw new QemuSilentException(
          "QEMU at %s owes answers to %d commands, %s is not sent: it hangs"
              .formatted(socket, MAX_UNANSWERED, command));
    }
    long id = lastId.incrementAndGet();
    var answer = new CompletableFuture<JsonNode>();
    waiting.put(id, answer);
    return new Answer(id, command, answer);
  }

  /**
   * Sends a command but for its last octet. QEMU reads commands octet by octet, each with some
   * system calls, and executes one when its last octet arrives: what is prepared begins at once
   * when it is wanted. Any other command meanwhile withdraws it.
   *
   * @throws HypervisorGoneException when the connection has ended
   */
  public Prepared prepare(String command, Map<String, ?> arguments) {
    Answer answer = expect(command);
    byte[] octets = encode(answer.id, command, arguments);
    var fresh = new Prepared(answer, octets);
    writing.lock();
    try {
      send(command, ByteBuffer.wrap(octets, 0, octets.length - 1));
      prepared = fresh;
    } catch (HypervisorException e) {
      waiting.remove(answer.id);
      throw e;
    } finally {
      writing.unlock();
    }
    return fresh;
  }

  /** A command that only lacks its last octet. */
  public final class Prepared {
    private final Answer answer;
    private final byte[] octets;

    private Prepared(Answer answer, byte[] octets) {
      this.answer = answer;
      this.octets = octets;
    }

    /** Lets QEMU execute it; to be called once. A command that was withdrawn is sent anew. */
    public Answer begin() {
      writing.lock();
      try {
        boolean stands = prepared == this;
        int first = stands ? octets.length - 1 : 0;
        if (stands) {
          prepared = null;
        }
        send(answer.command, ByteBuffer.wrap(octets, first, octets.length - first));
        return answer;
      } catch (HypervisorException e) {
        waiting.remove(answer.id);
        throw e;
      } finally {
        writing.unlock();
      }
    }
  }

  /** The answer to come to one command. */
  public final class Answer {
    private final long id;
    private final String command;
    private final CompletableFuture<JsonNode> answer;

    private Answer(long id, String command, CompletableFuture<JsonNode> answer) {
      this.id = id;
      this.command = command;
      this.answer = answer;
    }

    /** Whether it has come. */
    public boolean isThere() {
      return answer.isDone();
    }

    /** Waits for it; throws as {@link #execute} does. */
    public JsonNode await(Duration timeout) {
      try {
        JsonNode response = QmpClient.this.await(command, answer, timeout);
        JsonNode error = response.path("error");
        if (!error.isMissingNode()) {
          throw new QmpErrorException(
              command, error.path("class").asString("?"), error.path("desc").asString("?"));
        }
        return response.path("return");
      } finally {
        if (answer.isDone()) {
          waiting.remove(id);
        }
      }
    }
  }

  /** Runs a command of the human monitor and returns its text with Unix line ends. */
  public String human(String commandLine, Duration timeout) {
    return execute("human-monitor-command", Map.of("command-line", commandLine), timeout)
        .asString("")
        .replace("\r\n", "\n");
  }

  private static byte[] encode(long id, String command, Map<String, ?> arguments) {
    ObjectNode request = JSON.createObjectNode();
    request.put("execute", command);
    if (!arguments.isEmpty()) {
      request.set("arguments", JSON.valueToTree(arguments));
    }
    request.put("id", id);
    return JSON.writeValueAsBytes(request);
  }

  private void send(String command, ByteBuffer octets) {
    writing.lock();
    try {
      if (prepared != null) {
        prepared = null;
        write(ByteBuffer.wrap(PARSER_RESET));
      }
      write(octets);
    } catch (IOException e) {
      end(e.toString());
      throw gone(command);
    } finally {
      writing.unlock();
    }
  }

  private void write(ByteBuffer octets) throws IOException {
    while (octets.hasRemaining()) {
      channel.write(octets);
    }
  }

  private JsonNode await(String what, CompletableFuture<JsonNode> answer, Duration timeout) {
    if (ended.isDone()) {
      answer.completeExceptionally(new IOException("the connection has ended"));
    }
    try {
      return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new QemuSilentException(
          "QEMU at %s did not answer %s within %d ms".formatted(socket, what, timeout.toMillis()));
    } catch (ExecutionException e) {
      throw gone(what);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HypervisorException("interrupted while waiting for QEMU's answer to " + what, e);
    }
  }

  private HypervisorGoneException gone(String what) {
    return new HypervisorGoneException(
        "QEMU at %s closed its QMP connection, %s has no answer: %s"
            .formatted(socket, what, ended().orElse("no reason seen")));
  }

  private void readAll() {
    readerTid = Threads.tid();
    var buffer = ByteBuffer.allocateDirect(READ_BYTES);
    var framer = new JsonFramer();
    try {
      while (channel.read(buffer.clear()) >= 0) {
        buffer.flip();
        for (var octets = framer.next(buffer); octets.isPresent(); octets = framer.next(buffer)) {
          dispatch(JSON.readTree(octets.get()));
        }
      }
      end("end of stream");
    } catch (IOException | JacksonException | HypervisorException e) {
      end(String.valueOf(e.getMessage()));
    }
  }

  private void dispatch(JsonNode message) {
    if (message.has("QMP")) {
      greeting.complete(message);
    } else if (message.has("event")) {
      QmpEvent event = event(message);
      for (Consumer<QmpEvent> listener : listeners) {
        tell(listener, event);
      }
    } else {
      CompletableFuture<JsonNode> answer = waiting.remove(message.path("id").asLong(-1));
      if (answer != null) {
        answer.complete(message);
      } else {
        LOG.debug("QMP answer to no waiting command: {}", message);
      }
    }
  }

  private static void tell(Consumer<QmpEvent> listener, QmpEvent event) {
    try {
      listener.accept(event);
    } catch (RuntimeException e) {
      LOG.warn("a listener failed on QMP event {}", event.name(), e);
    }
  }

  private static QmpEvent event(JsonNode message) {
    JsonNode time = message.path("timestamp");
    long realtimeNanos =
        time.path("seconds").asLong(0) * 1_000_000_000L
            + time.path("microseconds").asLong(0) * 1_000L;
    JsonNode data = message.path("data");
    return new QmpEvent(
        message.path("event").asString(""),
        data.isMissingNode() ? JSON.createObjectNode() : data,
        realtimeNanos);
  }

  private void end(@Nullable String reason) {
    ended.complete(String.valueOf(reason));
    closeQuietly(channel);
    var cause = new IOException("connection ended: " + reason);
    greeting.completeExceptionally(cause);
    for (Long id : waiting.keySet()) {
      CompletableFuture<JsonNode> answer = waiting.remove(id);
      if (answer != null) {
        answer.completeExceptionally(cause);
      }
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("closing a QMP socket", e);
    }
  }

  /** Ends the connection; another client can have the socket then. */
  @Override
  public void close() {
    end("closed by us");
  }
}

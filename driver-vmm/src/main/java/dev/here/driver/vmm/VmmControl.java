package dev.here.driver.vmm;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.NativeException;
import dev.here.ffi.UnixSocket;
import dev.here.formats.control.ControlCodec;
import dev.here.formats.control.ControlException;
import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.StateRefusedException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A connection to a VMM process, one request at a time (docs/specs/vmm-control.md). After a
 * time-out or a broken message it is of no further use.
 */
public final class VmmControl implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 16;
  private static final int MAX_DESCRIPTORS = 2;

  private final UnixSocket socket;
  private final Path path;
  private final ReentrantLock asking = new ReentrantLock();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment chunk = arena.allocate(CHUNK_BYTES, 8);

  private VmmControl(UnixSocket socket, Path path) {
    this.socket = socket;
    this.path = path;
  }

  /** An answer with the descriptors that came along, which are the caller's. */
  public record Reply(ControlMessage.Answer message, List<FileDescriptor> descriptors) {}

  /**
   * Connects to the socket that a VMM process was given with {@code --control}.
   *
   * @throws HypervisorGoneException when nobody listens there
   */
  public static VmmControl connect(Path path) {
    try {
      return new VmmControl(UnixSocket.connect(path.toString()), path);
    } catch (NativeException e) {
      throw new HypervisorGoneException("no VMM answers at " + path, e);
    }
  }

  /** The VMM's process id. */
  public long pid() {
    return socket.peer().pid();
  }

  /** Asks for something that is answered by {@code Done}; returns the nanoseconds it tells. */
  public long done(ControlMessage.Request request) {
    return ask(request, ControlMessage.Done.class).nanos();
  }

  /** Asks for something that is answered by one kind of message, without descriptors. */
  public <A extends ControlMessage.Answer> A ask(ControlMessage.Request request, Class<A> answer) {
    Reply reply = ask(request, -1);
    reply.descriptors().forEach(FileDescriptor::close);
    return expect(reply.message(), answer);
  }

  /** The message, if it is of the kind that was asked for. */
  <A extends ControlMessage.Answer> A expect(ControlMessage.Answer message, Class<A> answer) {
    if (!answer.isInstance(message)) {
      throw new HypervisorException(
          "the VMM at %s answered %s where %s was due"
              .formatted(path, message.getClass().getSimpleName(), answer.getSimpleName()));
    }
    return answer.cast(message);
  }

  /**
   * Asks and waits for the answer.
   *
   * @param timeoutMillis -1 waits for ever
   * @throws StateRefusedException the VMM refuses the machine state
   * @throws HypervisorGoneException the process has ended, or is silent for longer than the
   *     time-out
   * @throws HypervisorException it was not done
   */
  public Reply ask(ControlMessage.Request request, int timeoutMillis) {
    asking.lock();
    try (Arena scratch = Arena.ofConfined()) {
      socket.send(scratch.allocateFrom(ValueLayout.JAVA_BYTE, ControlCodec.encode(request)));
      if (!socket.awaitReadable(timeoutMillis)) {
        throw new HypervisorGoneException(
            "the VMM at %s is silent for %d ms".formatted(path, timeoutMillis));
      }
      Reply reply = receive();
      if (reply.message() instanceof ControlMessage.Failed(boolean refused, String text)) {
        throw refused ? new StateRefusedException(text) : new HypervisorException(text);
      }
      return reply;
    } catch (NativeException | ControlException e) {
      throw new HypervisorGoneException("the VMM at " + path + " has gone: " + e.getMessage(), e);
    } finally {
      asking.unlock();
    }
  }

  private Reply receive() {
    List<FileDescriptor> descriptors = new ArrayList<>();
    try {
      ControlCodec.Header header =
          ControlCodec.header(ByteBuffer.wrap(read(ControlCodec.HEADER_BYTES, descriptors)));
      ControlMessage message =
          ControlCodec.decode(header, read(header.payloadBytes(), descriptors));
      if (!(message instanceof ControlMessage.Answer answer)) {
        throw new ControlException("a request came where an answer was due");
      }
      return new Reply(answer, List.copyOf(descriptors));
    } catch (RuntimeException e) {
      descriptors.forEach(FileDescriptor::close);
      throw e;
    }
  }

  private byte[] read(int sizeBytes, List<FileDescriptor> descriptors) {
    ByteArrayOutputStream octets = new ByteArrayOutputStream(Math.min(sizeBytes, CHUNK_BYTES));
    while (octets.size() < sizeBytes) {
      MemorySegment room = chunk.asSlice(0, Math.min(CHUNK_BYTES, sizeBytes - octets.size()));
      UnixSocket.Received received = socket.receive(room, MAX_DESCRIPTORS);
      descriptors.addAll(received.descriptors());
      if (received.sizeBytes() == 0) {
        throw new ControlException("the connection ended in the middle of an answer");
      }
      octets.writeBytes(room.asSlice(0, received.sizeBytes()).toArray(ValueLayout.JAVA_BYTE));
    }
    return octets.toByteArray();
  }

  /** Wakes a thread that waits for an answer. */
  public void shutdown() {
    socket.shutdown();
  }

  @Override
  public void close() {
    socket.shutdown();
    asking.lock();
    try {
      socket.close();
      arena.close();
    } finally {
      asking.unlock();
    }
  }
}

package dev.here.vmm;

import dev.here.ffi.NativeException;
import dev.here.ffi.UnixListener;
import dev.here.ffi.UnixSocket;
import dev.here.formats.control.ControlException;
import dev.here.formats.control.ControlMessage;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens for controllers on a Unix socket and serves each on a thread of its own. A controller
 * that breaks the protocol is told so and cut off; the machine is not touched by that.
 */
final class ControlServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

  private final UnixListener listener;
  private final MachineControl machine;
  private final Set<ControlChannel> channels = ConcurrentHashMap.newKeySet();
  private volatile boolean closing;

  /**
   * @param path of the socket; what a dead process left there is removed
   */
  ControlServer(Path path, MachineControl machine) {
    this.listener = UnixListener.bindOverStale(path);
    this.machine = machine;
    Thread.ofPlatform().name("control-accept").daemon().start(this::acceptControllers);
  }

  /** Of the socket. */
  Path path() {
    return listener.path();
  }

  private void acceptControllers() {
    while (!closing) {
      try {
        UnixSocket socket = listener.accept();
        Thread.ofPlatform().name("control").daemon().start(() -> serve(socket));
      } catch (NativeException e) {
        if (!closing) {
          LOG.warn("cannot accept controllers any more", e);
        }
        return;
      }
    }
  }

  private void serve(UnixSocket socket) {
    try (ControlChannel channel = new ControlChannel(socket)) {
      channels.add(channel);
      try {
        serveRequests(channel);
      } catch (ControlException e) {
        LOG.warn("a controller is cut off: {}", e.getMessage());
        channel.send(new ControlMessage.Failed(false, String.valueOf(e.getMessage())));
      } finally {
        channels.remove(channel);
      }
    } catch (NativeException e) {
      LOG.debug("a controller has gone", e);
    }
  }

  private void serveRequests(ControlChannel channel) {
    while (true) {
      Optional<ControlMessage> message = channel.receive();
      if (message.isEmpty()) {
        return;
      }
      if (!(message.get() instanceof ControlMessage.Request request)) {
        throw new ControlException(
            "%s is not a request".formatted(message.get().getClass().getSimpleName()));
      }
      MachineControl.Reply reply = machine.answer(request);
      try {
        channel.send(reply.message(), reply.descriptors());
      } finally {
        if (request instanceof ControlMessage.Quit) {
          machine.quit();
        }
      }
    }
  }

  @Override
  public void close() {
    closing = true;
    listener.shutdown();
    channels.forEach(ControlChannel::shutdown);
    listener.close();
  }
}

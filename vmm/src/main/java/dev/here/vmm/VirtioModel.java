package dev.here.vmm;

import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioRequest;
import java.util.List;
import java.util.Optional;

/**
 * What one kind of virtio device does with its queues, behind a {@link VirtioTransport} that knows
 * nothing of kinds. All methods are called with the platform's lock held.
 *
 * <p>A model is born standing still. {@link #resume} sets it going, {@link #pause} brings it to a
 * stop: from its return to the next {@link #resume} it changes neither guest memory nor its state,
 * and has no request half done. {@link #close} ends its threads for good.
 */
interface VirtioModel extends AutoCloseable {
  VirtioKind kind();

  /** Feature bits that it can carry out, besides those of the transport. */
  long supportedFeatures();

  /** Called once, before anything else; the transport has its state already. */
  void attach(VirtioTransport transport);

  /** The driver has chosen features, or a reset has taken them back. */
  void negotiated(long features);

  /** The driver has put something into queue {@code index}; it stays there while paused. */
  void notified(int index);

  /** The driver wrote {@code sizeBytes} of the device's configuration at {@code offset}. */
  void configWritten(int offset, int sizeBytes);

  /** The driver has reset the device: no request is owed an answer. */
  void reset();

  /** How many queues a driver must find after a reset; those of the state at least. */
  default int queuesOffered() {
    return 0;
  }

  void resume();

  void pause();

  /** Requests that were taken and are owed an answer; only those from before a restore can be. */
  List<VirtioRequest> inFlight();

  /** Asks the guest to make itself known on the network; whether it can. */
  default boolean announce() {
    return false;
  }

  /** What only a network device has. */
  default Optional<VirtioNetState> net() {
    return Optional.empty();
  }

  @Override
  void close();
}

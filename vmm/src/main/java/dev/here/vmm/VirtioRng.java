package dev.here.vmm;

import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioRequest;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.List;

/** A virtio entropy source (VIRTIO 1.2, section 5.4), fed by the host's random numbers. */
final class VirtioRng implements VirtioModel {
  private static final int QUEUE = 0;

  /** A longer buffer gets this much, which the specification allows. */
  private static final int MAX_OCTETS = 4096;

  private final SecureRandom random;
  private final byte[] octets = new byte[MAX_OCTETS];
  private final DescriptorChain chain = new DescriptorChain();
  private VirtioTransport transport;
  private boolean paused = true;

  @SuppressWarnings("NullAway.Init") // attach() follows before any other call
  VirtioRng(SecureRandom random) {
    this.random = random;
  }

  @Override
  public VirtioKind kind() {
    return VirtioKind.RNG;
  }

  @Override
  public long supportedFeatures() {
    return 0;
  }

  @Override
  public void attach(VirtioTransport owner) {
    transport = owner;
  }

  @Override
  public void negotiated(long features) {}

  @Override
  public void configWritten(int offset, int sizeBytes) {}

  @Override
  public void notified(int index) {
    if (paused || index != QUEUE) {
      return;
    }
    Virtqueue queue = transport.queue(QUEUE);
    queue.notification(true);
    int answered = 0;
    while (answered < queue.size() && queue.take(chain)) {
      int length = (int) Math.min(chain.writableBytes(), MAX_OCTETS);
      random.nextBytes(octets);
      chain.copyIn(0, MemorySegment.ofArray(octets), 0, length);
      queue.push(chain, length);
      answered++;
    }
    if (answered > 0) {
      transport.completed(queue);
    }
  }

  @Override
  public void reset() {}

  @Override
  public void resume() {
    paused = false;
  }

  @Override
  public void pause() {
    paused = true;
  }

  @Override
  public List<VirtioRequest> inFlight() {
    return List.of();
  }

  @Override
  public void close() {}
}

package dev.here.vmm;

import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioRequest;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A virtio disk (VIRTIO 1.2, section 5.2) on a {@link BlockBackend}.
 *
 * <p>A thread of the device's own takes requests one by one under the platform's lock, carries each
 * out without it, and answers under it again. {@link #pause} waits for the one under way; so at a
 * capture only requests that another hypervisor left unanswered are in flight, and those are
 * carried out first after a restore. All requests are idempotent.
 */
final class VirtioBlock implements VirtioModel {
  /** VIRTIO_BLK_F_*. */
  static final int SIZE_MAX = 1;

  static final int SEG_MAX = 2;
  static final int GEOMETRY = 4;
  static final int READ_ONLY = 5;
  static final int BLK_SIZE = 6;
  static final int FLUSH = 9;
  static final int TOPOLOGY = 10;
  static final int CONFIG_WCE = 11;
  static final int MQ = 12;
  static final int DISCARD = 13;
  static final int WRITE_ZEROES = 14;

  /** The legacy SCSI feature; such requests are answered as unsupported. */
  static final int SCSI = 7;

  /** Offset of the write-back octet in the configuration. */
  static final int CONFIG_WRITEBACK = 32;

  /** What is carried out of the features of its kind. */
  static final long SUPPORTED =
      VirtioFeature.mask(
          SIZE_MAX,
          SEG_MAX,
          GEOMETRY,
          READ_ONLY,
          SCSI,
          BLK_SIZE,
          FLUSH,
          TOPOLOGY,
          CONFIG_WCE,
          MQ,
          DISCARD,
          WRITE_ZEROES);

  private final ReentrantLock platform;
  private final Condition moved;
  private final BlockBackend backend;
  private final VirtioBlockRequest request;
  private final ArrayDeque<VirtioRequest> inFlight;
  private final long capacitySectors;
  private final DescriptorChain chain = new DescriptorChain();
  private VirtioTransport transport;
  private Optional<Thread> worker = Optional.empty();
  private boolean paused = true;
  private boolean busy;
  private boolean closed;

  /**
   * @param serial what the guest reads as the disk's id; its first 20 octets count
   * @param backend the disk; closed with this device
   * @param platform the platform's lock
   * @throws VirtioRefusedException when the guest knows a larger or a writable disk
   */
  @SuppressWarnings("NullAway.Init") // attach() follows before any other call
  VirtioBlock(VirtioDevice state, String serial, BlockBackend backend, ReentrantLock platform) {
    this.platform = platform;
    this.moved = platform.newCondition();
    this.backend = backend;
    this.inFlight = new ArrayDeque<>(state.inFlight());
    this.capacitySectors = state.deviceConfig().length() < 8 ? 0 : state.deviceConfig().u64(0);
    if (capacitySectors <= 0 || capacitySectors > backend.sizeBytes() / 512) {
      throw new VirtioRefusedException(
          "virtio disk %s: the guest knows %d sectors, the disk behind it has %d; give it the image that the guest runs on"
              .formatted(state.address(), capacitySectors, backend.sizeBytes() / 512));
    }
    if (backend.readOnly() && !VirtioFeature.has(state.offeredFeatures(), READ_ONLY)) {
      throw new VirtioRefusedException(
          "virtio disk %s: the guest may write it, the disk behind it is read-only; open it writable"
              .formatted(state.address()));
    }
    this.request = new VirtioBlockRequest(backend, capacitySectors, serial, readOnly(state));
  }

  private boolean readOnly(VirtioDevice state) {
    return backend.readOnly() || VirtioFeature.has(state.offeredFeatures(), READ_ONLY);
  }

  @Override
  public VirtioKind kind() {
    return VirtioKind.BLOCK;
  }

  @Override
  public long supportedFeatures() {
    return SUPPORTED;
  }

  @Override
  public void attach(VirtioTransport owner) {
    transport = owner;
  }

  @Override
  public void negotiated(long features) {
    // A driver that cannot flush must find every write on the medium (section 5.2.5.1).
    request.writeThrough(!VirtioFeature.has(features, FLUSH) || configuredWriteThrough(features));
  }

  private boolean configuredWriteThrough(long features) {
    return VirtioFeature.has(features, CONFIG_WCE) && transport.configOctet(CONFIG_WRITEBACK) == 0;
  }

  @Override
  public void configWritten(int offset, int sizeBytes) {
    negotiated(transport.negotiatedFeatures());
  }

  @Override
  public List<VirtioRequest> inFlight() {
    return List.copyOf(inFlight);
  }

  @Override
  public void notified(int index) {
    moved.signalAll();
  }

  @Override
  public void reset() {
    awaitIdle();
    inFlight.clear();
  }

  @Override
  public void resume() {
    paused = false;
    if (worker.isEmpty()) {
      Thread thread =
          Thread.ofPlatform()
              .daemon()
              .name("virtio-blk " + transport.address())
              .unstarted(this::work);
      worker = Optional.of(thread);
      thread.start();
    }
    moved.signalAll();
  }

  @Override
  public void pause() {
    paused = true;
    awaitIdle();
  }

  @Override
  public void close() {
    closed = true;
    moved.signalAll();
    while (worker.isPresent()) {
      moved.awaitUninterruptibly();
    }
    backend.close();
  }

  /** Lends the lock to the worker until it has answered what it is doing. */
  private void awaitIdle() {
    while (busy) {
      moved.awaitUninterruptibly();
    }
  }

  private void work() {
    platform.lock();
    try {
      while (!closed) {
        if (paused || !transport.operational()) {
          moved.awaitUninterruptibly();
        } else {
          transport.guarded(this::workOnce);
        }
      }
    } finally {
      worker = Optional.empty();
      moved.signalAll();
      platform.unlock();
    }
  }

  /** Carries out the next request, or waits for one. */
  private void workOnce() {
    VirtioRequest unanswered = inFlight.peekFirst();
    if (unanswered != null) {
      if (unanswered.queueIndex() >= transport.queueCount()) {
        inFlight.removeFirst();
        throw new VirtqueueException(
            "request in flight on queue %d of %d"
                .formatted(unanswered.queueIndex(), transport.queueCount()));
      }
      Virtqueue queue = transport.queue(unanswered.queueIndex());
      queue.read(unanswered.headDescriptor(), chain);
      carryOut(queue);
      inFlight.removeFirst();
      return;
    }
    for (int index = 0; index < transport.queueCount(); index++) {
      Virtqueue queue = transport.queue(index);
      if (queue.take(chain)) {
        carryOut(queue);
        return;
      }
    }
    if (enableNotifications()) {
      moved.awaitUninterruptibly();
    }
  }

  /** Asks for notifications; whether nothing came in meanwhile. */
  private boolean enableNotifications() {
    boolean idle = true;
    for (int index = 0; index < transport.queueCount(); index++) {
      Virtqueue queue = transport.queue(index);
      queue.notification(true);
      idle &= queue.empty();
    }
    return idle;
  }

  private void carryOut(Virtqueue queue) {
    request.begin(chain);
    busy = true;
    platform.unlock();
    try {
      request.carryOut(chain);
    } finally {
      platform.lock();
      busy = false;
      moved.signalAll();
    }
    queue.push(chain, chain.writableBytes());
    transport.completed(queue);
  }
}

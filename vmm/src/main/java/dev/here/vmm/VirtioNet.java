package dev.here.vmm;

import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioRequest;
import dev.here.net.FramePort;
import dev.here.net.Offloads;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A virtio network device (VIRTIO 1.2, section 5.1) on a {@link FramePort}.
 *
 * <p>The guest's frames are sent on the thread that notifies, with the platform's lock held. Frames
 * for the guest are read by a thread of the device's own, a batch at a time without the lock, and
 * delivered under it. Frames that the thread has read and not delivered when the machine is
 * captured are not part of the state: to the guest they are lost on the way.
 */
final class VirtioNet implements VirtioModel {
  /** VIRTIO_NET_F_*. */
  static final int CSUM = 0;

  static final int GUEST_CSUM = 1;
  static final int CTRL_GUEST_OFFLOADS = 2;
  static final int MTU = 3;
  static final int MAC = 5;
  static final int GSO = 6;
  static final int GUEST_TSO4 = 7;
  static final int GUEST_TSO6 = 8;
  static final int GUEST_ECN = 9;
  static final int GUEST_UFO = 10;
  static final int HOST_TSO4 = 11;
  static final int HOST_TSO6 = 12;
  static final int HOST_ECN = 13;
  static final int HOST_UFO = 14;
  static final int MRG_RXBUF = 15;
  static final int STATUS = 16;
  static final int CTRL_VQ = 17;
  static final int CTRL_RX = 18;
  static final int CTRL_VLAN = 19;
  static final int CTRL_RX_EXTRA = 20;
  static final int GUEST_ANNOUNCE = 21;
  static final int MQ = 22;
  static final int CTRL_MAC_ADDR = 23;
  static final int SPEED_DUPLEX = 63;

  static final long GUEST_OFFLOADS =
      VirtioFeature.mask(GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO);

  private static final long HOST_OFFLOADS =
      VirtioFeature.mask(CSUM, GSO, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_UFO);
  private static final long OTHER_FEATURES =
      VirtioFeature.mask(
          CTRL_GUEST_OFFLOADS,
          MTU,
          MAC,
          MRG_RXBUF,
          STATUS,
          CTRL_VQ,
          CTRL_RX,
          CTRL_VLAN,
          CTRL_RX_EXTRA,
          GUEST_ANNOUNCE,
          MQ,
          CTRL_MAC_ADDR,
          SPEED_DUPLEX);

  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int CONFIG_STATUS = 6;
  private static final int STATUS_LINK_UP = 1;
  private static final int STATUS_ANNOUNCE = 2;
  private static final int FRAME = FramePort.HEADER_BYTES;
  private static final int BUFFER_COUNT_OFFSET = 10;
  private static final int RECEIVE_BATCH = 16;
  private static final int RECEIVE_WAIT_MILLIS = 250;
  private static final int RECEIVE_QUEUE = 0;

  private final ReentrantLock platform;
  private final FramePort port;
  private final VirtioNetFilter filter;
  private final Condition moved;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment transmitRecord = arena.allocate(FramePort.MAX_RECORD_BYTES, 64);
  private final MemorySegment receiveRecords =
      arena.allocate((long) RECEIVE_BATCH * FramePort.MAX_RECORD_BYTES, 64);
  private final MemorySegment[] receiveRecord = new MemorySegment[RECEIVE_BATCH];
  private final int[] receiveLength = new int[RECEIVE_BATCH];
  private final DescriptorChain chain = new DescriptorChain();
  private final DescriptorChain firstChain = new DescriptorChain();
  private final int maxQueuePairs;
  private final int mtu;
  private VirtioTransport transport;
  private VirtioNetControl control;
  private Optional<Thread> receiver = Optional.empty();
  private int linkStatus;
  private long guestOffloads;
  private int queuePairs;
  private int headerBytes = 10;
  private boolean paused = true;
  private boolean closed;
  private boolean transmitLeft;

  /**
   * @param platform the platform's lock
   * @param port where frames go and come from; closed with this device
   */
  @SuppressWarnings("NullAway.Init") // attach() follows before any other call
  VirtioNet(VirtioNetState state, FramePort port, ReentrantLock platform) {
    this.platform = platform;
    this.port = port;
    this.moved = platform.newCondition();
    this.filter = new VirtioNetFilter(state);
    this.linkStatus = state.linkStatus();
    this.guestOffloads = state.guestOffloads();
    this.queuePairs = state.queuePairs();
    this.maxQueuePairs = state.maxQueuePairs();
    this.mtu = state.mtu();
    for (int at = 0; at < RECEIVE_BATCH; at++) {
      receiveRecord[at] =
          receiveRecords.asSlice(
              (long) at * FramePort.MAX_RECORD_BYTES, FramePort.MAX_RECORD_BYTES);
    }
  }

  @Override
  public VirtioKind kind() {
    return VirtioKind.NET;
  }

  @Override
  public long supportedFeatures() {
    return GUEST_OFFLOADS | HOST_OFFLOADS | OTHER_FEATURES;
  }

  @Override
  public void attach(VirtioTransport owner) {
    transport = owner;
    control = new VirtioNetControl(this, filter, owner);
    writeStatus();
    System.arraycopy(filter.mac(), 0, owner.config(), 0, Math.min(6, owner.config().length));
  }

  @Override
  public Optional<VirtioNetState> net() {
    return Optional.of(filter.state(linkStatus, guestOffloads, queuePairs, maxQueuePairs, mtu));
  }

  @Override
  public List<VirtioRequest> inFlight() {
    return List.of();
  }

  @Override
  public void negotiated(long features) {
    boolean long12 =
        VirtioFeature.has(features, MRG_RXBUF)
            || VirtioFeature.has(features, VirtioFeature.VERSION_1);
    headerBytes = long12 ? FramePort.HEADER_BYTES : FramePort.HEADER_BYTES - 2;
    // A restored device keeps the offloads that its driver set since through the control queue.
    if (!transport.driverReady() || !VirtioFeature.has(features, CTRL_GUEST_OFFLOADS)) {
      guestOffloads = features & GUEST_OFFLOADS;
    }
    port.accept(Offloads.ofVirtioBits(guestOffloads));
  }

  /** The driver sets its offloads anew; whether it may have them. */
  boolean guestOffloads(long bits) {
    if ((bits & ~(transport.negotiatedFeatures() & GUEST_OFFLOADS)) != 0) {
      return false;
    }
    guestOffloads = bits;
    port.accept(Offloads.ofVirtioBits(bits));
    return true;
  }

  /** The driver sets the number of queue pairs; whether it may. */
  boolean queuePairs(int pairs) {
    if (pairs < 1 || pairs > maxQueuePairs) {
      return false;
    }
    queuePairs = pairs;
    return true;
  }

  /** Sets VIRTIO_NET_S_ANNOUNCE, where the driver can answer it (section 5.1.6.5.4). */
  @Override
  public boolean announce() {
    if (!transport.negotiated(GUEST_ANNOUNCE)
        || !transport.negotiated(CTRL_VQ)
        || !transport.negotiated(STATUS)
        || !transport.driverReady()) {
      return false;
    }
    linkStatus |= STATUS_ANNOUNCE;
    writeStatus();
    transport.configChanged();
    return true;
  }

  /** The driver has seen the wish to announce. */
  void announceAcknowledged() {
    linkStatus &= ~STATUS_ANNOUNCE;
    writeStatus();
  }

  private void writeStatus() {
    if (transport.config().length >= CONFIG_STATUS + 2) {
      transport.config()[CONFIG_STATUS] = (byte) linkStatus;
    }
  }

  /** The driver has set a new address of its own. */
  void addressChanged(byte[] mac) {
    System.arraycopy(mac, 0, transport.config(), 0, 6);
  }

  @Override
  public void configWritten(int offset, int sizeBytes) {
    byte[] mac = new byte[6];
    System.arraycopy(transport.config(), 0, mac, 0, 6);
    filter.mac(mac);
  }

  @Override
  public void reset() {
    filter.reset();
    linkStatus &= ~STATUS_ANNOUNCE;
    writeStatus();
    queuePairs = 1;
    transmitLeft = false;
    moved.signalAll();
  }

  @Override
  public void notified(int index) {
    if (paused) {
      return;
    }
    if (index == controlQueue()) {
      control.run(transport.queue(index), chain);
    } else if (index % 2 == 1) {
      transmit(transport.queue(index));
    } else {
      moved.signalAll();
    }
  }

  private int controlQueue() {
    if (!transport.negotiated(CTRL_VQ)) {
      return -1;
    }
    return transport.negotiated(MQ) ? 2 * maxQueuePairs : 2;
  }

  /**
   * Sends what the queue holds, at most two rounds of it: a guest that keeps adding from another
   * vCPU must not keep the platform to itself. The receiving thread comes back for the rest.
   */
  private void transmit(Virtqueue queue) {
    queue.notification(false);
    int answered = 0;
    int limit = 2 * queue.size();
    while (answered < limit) {
      if (!queue.take(chain)) {
        queue.notification(true);
        if (queue.empty()) {
          break;
        }
        queue.notification(false);
        continue;
      }
      sendTaken();
      queue.push(chain, 0);
      answered++;
    }
    if (answered == limit) {
      queue.notification(true);
      transmitLeft = true;
    }
    if (answered > 0) {
      transport.completed(queue);
    }
  }

  private void sendTaken() {
    long frameBytes = chain.readableBytes() - headerBytes;
    if (frameBytes < 0) {
      throw new VirtqueueException(
          "frame of %d octets is shorter than its header".formatted(chain.readableBytes()));
    }
    if (frameBytes < FramePort.MIN_FRAME_BYTES
        || frameBytes > FramePort.MAX_RECORD_BYTES - FRAME
        || (linkStatus & STATUS_LINK_UP) == 0) {
      return;
    }
    chain.copyOut(0, transmitRecord, 0, headerBytes);
    transmitRecord.set(U16, BUFFER_COUNT_OFFSET, (short) 0);
    if ((transport.negotiatedFeatures() & HOST_OFFLOADS) == 0) {
      transmitRecord.asSlice(0, FRAME).fill((byte) 0);
    }
    chain.copyOut(headerBytes, transmitRecord, FRAME, frameBytes);
    port.send(transmitRecord, FRAME + (int) frameBytes);
  }

  @Override
  public void resume() {
    paused = false;
    if (receiver.isEmpty()) {
      Thread thread =
          Thread.ofPlatform()
              .daemon()
              .name("virtio-net " + transport.address())
              .unstarted(this::receive);
      receiver = Optional.of(thread);
      thread.start();
    }
    moved.signalAll();
  }

  @Override
  public void pause() {
    paused = true;
  }

  @Override
  public void close() {
    closed = true;
    moved.signalAll();
    // The receiving thread needs the lock that the caller holds; waiting lends it.
    while (receiver.isPresent()) {
      moved.awaitUninterruptibly();
    }
    port.close();
    arena.close();
  }

  private void receive() {
    while (true) {
      int count = readBatch();
      platform.lock();
      try {
        for (int at = 0; at < count && !closed; at++) {
          deliverWhenPossible(at);
        }
        if (transmitLeft && !paused && !closed) {
          transmitLeft = false;
          transport.kick();
        }
        if (closed) {
          receiver = Optional.empty();
          return;
        }
      } finally {
        moved.signalAll();
        platform.unlock();
      }
    }
  }

  private int readBatch() {
    int count = 0;
    while (count < RECEIVE_BATCH) {
      int length = port.receive(receiveRecord[count], count == 0 ? RECEIVE_WAIT_MILLIS : 0);
      if (length <= 0) {
        break;
      }
      receiveLength[count++] = length;
    }
    return count;
  }

  /** Delivers one frame of the batch once the machine runs and the driver has room. */
  private void deliverWhenPossible(int at) {
    while (!closed) {
      if (!paused) {
        if (!wanted(receiveRecord[at], receiveLength[at])) {
          return;
        }
        boolean[] delivered = new boolean[1];
        transport.guarded(() -> delivered[0] = deliver(receiveRecord[at], receiveLength[at]));
        if (delivered[0] || !transport.operational()) {
          return;
        }
      }
      moved.awaitUninterruptibly();
    }
  }

  private boolean wanted(MemorySegment record, int length) {
    return transport.operational()
        && transport.driverReady()
        && transport.queue(RECEIVE_QUEUE).enabled()
        && (linkStatus & STATUS_LINK_UP) != 0
        && length >= FRAME + FramePort.MIN_FRAME_BYTES
        && filter.passes(record, FRAME, transport.negotiated(CTRL_VLAN));
  }

  /** Delivers a frame; false when the driver has no room for it now. */
  private boolean deliver(MemorySegment record, int length) {
    Virtqueue queue = transport.queue(RECEIVE_QUEUE);
    if (deliverNow(queue, record, length)) {
      return true;
    }
    queue.notification(true);
    return deliverNow(queue, record, length);
  }

  private boolean deliverNow(Virtqueue queue, MemorySegment record, int length) {
    int frameBytes = length - FRAME;
    boolean merge = transport.negotiated(MRG_RXBUF);
    int buffers = 0;
    int done = 0;
    while (done < frameBytes || buffers == 0) {
      DescriptorChain into = buffers == 0 ? firstChain : chain;
      if (!queue.take(into)) {
        untake(queue, buffers);
        return false;
      }
      int headroom = buffers == 0 ? headerBytes : 0;
      if (into.writableBytes() <= headroom) {
        throw new VirtqueueException(
            "receive buffer of %d octets has no room for a frame".formatted(into.writableBytes()));
      }
      int here = (int) Math.min(into.writableBytes() - headroom, frameBytes - done);
      if (!merge && here < frameBytes) {
        untake(queue, 1);
        return true;
      }
      into.copyIn(headroom, record, FRAME + (long) done, here);
      if (buffers > 0) {
        queue.fill(into, buffers, here);
      }
      done += here;
      buffers++;
    }
    record.set(U16, BUFFER_COUNT_OFFSET, (short) buffers);
    firstChain.copyIn(0, record, 0, headerBytes);
    long firstBytes = Math.min(firstChain.writableBytes(), headerBytes + (long) frameBytes);
    queue.fill(firstChain, 0, firstBytes);
    queue.publish(buffers);
    transport.completed(queue);
    return true;
  }

  private static void untake(Virtqueue queue, int buffers) {
    for (int at = 0; at < buffers; at++) {
      queue.untake();
    }
  }
}

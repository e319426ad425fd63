package dev.here.vmm;

import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioRequest;
import dev.here.net.FramePort;
import dev.here.net.Offloads;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A virtio network device (VIRTIO 1.2, section 5.1) on the ends of a link, {@link FramePort}s: one,
 * or several that belong together as the queues of a TAP do.
 *
 * <p>The guest's frames are sent on the thread that notifies, with the platform's lock held; those
 * of queue pair n go out on end n. Frames for the guest are read by a thread for each end ({@link
 * VirtioNetReceiver}), and what comes on end n goes into the receive queue of pair n. So it is the
 * kernel that spreads frames over the pairs, and that keeps a flow on the pair which the guest last
 * sent it on (automatic receive steering, section 5.1.6.5.6). Where the guest uses fewer pairs than
 * there are ends, or has more, the numbers wrap around.
 *
 * <p>Frames that were read and not delivered when the machine is captured are not part of the
 * state: to the guest they are lost on the way.
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

  /** What is carried out of the features of its kind. */
  static final long SUPPORTED = GUEST_OFFLOADS | HOST_OFFLOADS | OTHER_FEATURES;

  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int CONFIG_STATUS = 6;
  private static final int CONFIG_MAX_PAIRS = 8;
  private static final int STATUS_LINK_UP = 1;
  private static final int STATUS_ANNOUNCE = 2;
  private static final int FRAME = FramePort.HEADER_BYTES;
  private static final int BUFFER_COUNT_OFFSET = 10;

  private final ReentrantLock platform;
  private final List<FramePort> ports;
  private final VirtioNetFilter filter;
  private final Condition moved;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment transmitRecord = arena.allocate(FramePort.MAX_RECORD_BYTES, 64);
  private final DescriptorChain chain = new DescriptorChain();
  private final List<VirtioNetReceiver> receivers = new ArrayList<>();
  private final int maxQueuePairs;
  private final int mtu;
  private VirtioTransport transport;
  private VirtioNetControl control;
  private int linkStatus;
  private long guestOffloads;
  private int queuePairs;
  private int headerBytes = 10;
  private boolean paused = true;
  private boolean closed;
  private boolean transmitLeft;

  /**
   * @param platform the platform's lock
   * @param ports the ends where frames go and come from, at least one; they stay the caller's
   */
  @SuppressWarnings("NullAway.Init") // attach() follows before any other call
  VirtioNet(VirtioNetState state, List<? extends FramePort> ports, ReentrantLock platform) {
    this.platform = platform;
    this.ports = List.copyOf(ports);
    this.moved = platform.newCondition();
    this.filter = new VirtioNetFilter(state);
    this.linkStatus = state.linkStatus();
    this.guestOffloads = state.guestOffloads();
    this.queuePairs = state.queuePairs();
    this.maxQueuePairs = state.maxQueuePairs();
    this.mtu = state.mtu();
  }

  @Override
  public VirtioKind kind() {
    return VirtioKind.NET;
  }

  @Override
  public long supportedFeatures() {
    return SUPPORTED;
  }

  @Override
  public void attach(VirtioTransport owner) {
    transport = owner;
    control = new VirtioNetControl(this, filter, owner);
    for (int number = 0; number < ports.size(); number++) {
      receivers.add(
          new VirtioNetReceiver(this, owner, number, ports.get(number), arena, platform, moved));
    }
    writeStatus();
    System.arraycopy(filter.mac(), 0, owner.config(), 0, Math.min(6, owner.config().length));
    // QEMU sends zeros as long as no driver has read the configuration.
    if (owner.config().length >= CONFIG_MAX_PAIRS + 2) {
      owner.config()[CONFIG_MAX_PAIRS] = (byte) maxQueuePairs;
      owner.config()[CONFIG_MAX_PAIRS + 1] = (byte) (maxQueuePairs >>> 8);
    }
  }

  @Override
  public Optional<VirtioNetState> net() {
    return Optional.of(filter.state(linkStatus, guestOffloads, queuePairs, maxQueuePairs, mtu));
  }

  /**
   * Refuses a state that this device cannot go on from.
   *
   * @throws InvalidMachineStateException naming device and values
   */
  static void check(VirtioDevice state) {
    VirtioNetState net =
        state
            .net()
            .orElseThrow(() ->
                new InvalidMachineStateException(
                    "virtio device " + state.address() + " has no state of a network device"));
    if (state.queues().size() < 2 * net.queuePairs()) {
      throw new InvalidMachineStateException(
          "virtio device %s has %d queues, too few for the %d queue pairs that its driver uses"
              .formatted(state.address(), state.queues().size(), net.queuePairs()));
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>QEMU takes the queues away that a driver without VIRTIO_NET_F_MQ does not ask for.
   */
  @Override
  public int queuesOffered() {
    return VirtioFeature.has(transport.offeredFeatures(), MQ) ? 2 * maxQueuePairs + 1 : 0;
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
    acceptOffloads();
  }

  private void acceptOffloads() {
    ports.forEach(port -> port.accept(Offloads.ofVirtioBits(guestOffloads)));
  }

  /** The driver sets its offloads anew; whether it may have them. */
  boolean guestOffloads(long bits) {
    if ((bits & ~(transport.negotiatedFeatures() & GUEST_OFFLOADS)) != 0) {
      return false;
    }
    guestOffloads = bits;
    acceptOffloads();
    return true;
  }

  /** The driver sets the number of queue pairs; whether it may. */
  boolean queuePairs(int pairs) {
    if (pairs < 1 || pairs > maxQueuePairs) {
      return false;
    }
    queuePairs = pairs;
    moved.signalAll();
    return true;
  }

  /** How many queue pairs the guest receives on; without VIRTIO_NET_F_MQ one. */
  private int activePairs() {
    return transport.negotiated(MQ) ? queuePairs : 1;
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
      transmit(transport.queue(index), ports.get(index / 2 % ports.size()));
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
  private void transmit(Virtqueue queue, FramePort port) {
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
      sendTaken(port);
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

  private void sendTaken(FramePort port) {
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
    receivers.forEach(VirtioNetReceiver::start);
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
    // The receiving threads need the lock that the caller holds; waiting lends it.
    while (receivers.stream().anyMatch(VirtioNetReceiver::running)) {
      moved.awaitUninterruptibly();
    }
    arena.close();
  }

  /** Which pair the frames of end {@code number} are for. */
  int activePair(int number) {
    return number % activePairs();
  }

  boolean paused() {
    return paused;
  }

  boolean closed() {
    return closed;
  }

  /** Length of the header that the driver and this device put before a frame. */
  int headerBytes() {
    return headerBytes;
  }

  /** Sends what a long round has left in the queues. */
  void transmitRest() {
    if (transmitLeft && !paused && !closed) {
      transmitLeft = false;
      transport.kick();
    }
  }

  /** Whether the driver is ready for a frame of {@code length} octets, and asked for such ones. */
  boolean wants(MemorySegment record, int length) {
    return transport.operational()
        && transport.driverReady()
        && (linkStatus & STATUS_LINK_UP) != 0
        && length >= FRAME + FramePort.MIN_FRAME_BYTES
        && filter.passes(record, FRAME, transport.negotiated(CTRL_VLAN));
  }
}

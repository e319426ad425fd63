package dev.here.net;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Holds the frames that a guest sends until the epoch in which it sent them is committed (output
 * commit). Frames for the guest pass straight through. Record layout and rules:
 * docs/specs/frame-gate.md.
 *
 * <p>Threads. The <em>guest's thread</em> calls {@link #send} and never waits: it writes a record
 * into a ring that only it writes. The <em>gate's own thread</em> reads the ring and is the only
 * one that sends to the port while anything is held, so the order is the guest's. The <em>epochs'
 * thread</em> calls {@link #endEpoch}, {@link #release}, {@link #passThrough} and {@link #discard}:
 * all they do is move the position up to which the gate's thread may go, {@code limit}. Each of
 * tail, head and limit has one writer; no lock is taken and nothing is allocated for a frame.
 *
 * <p>While the gate is open and its ring empty, nothing is under way on the gate's thread and
 * nothing can be put there but by the guest's thread: so a {@link Passing#DIRECT} gate then sends
 * on the guest's thread, without a detour.
 *
 * <p>A frame that was read by another thread between the guest's stop and {@link #endEpoch} counts
 * for the next epoch: it is held longer than it needs to be, never shorter. What does not come from
 * the guest, an {@link Announcer}'s frames, is sent through the port itself.
 */
public final class FrameGate implements FramePort {
  /** How frames pass while the gate is open. */
  public enum Passing {
    /** On the guest's thread; for a port that never waits. */
    DIRECT,
    /** On the gate's thread; for a port that may wait. */
    QUEUED
  }

  /** Told, at most once an epoch, that the gate is filling up; must return at once. */
  @FunctionalInterface
  public interface Pressure {
    void commitEarly();
  }

  private static final int MAX_OPEN_EPOCHS = 1024;
  private static final long RETRY_NANOS = 5_000_000;

  private final FramePort port;
  private final ReleasePermission permission;
  private final Pressure pressure;
  private final Passing passing;
  private final GuestAddresses addresses = new GuestAddresses();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment outgoing = arena.allocate(MAX_RECORD_BYTES, 64);
  private final FrameRoom room;
  private final FrameRing ring;
  private final Thread sender;

  // The epochs' thread: ends of epochs that are not yet released, oldest first.
  private final long[] openEpoch = new long[MAX_OPEN_EPOCHS];
  private final long[] openPosition = new long[MAX_OPEN_EPOCHS];
  private int openCount;
  private long endedPosition;
  private volatile long epoch;
  private volatile long limit = Long.MAX_VALUE;
  private volatile boolean discarding;
  private volatile boolean closed;

  // The guest's thread.
  private final AtomicLong enqueued = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private long pressedEpoch = -1;

  // The gate's thread.
  private final AtomicLong taken = new AtomicLong();

  /**
   * An open gate.
   *
   * @param room new; what does not fit is lost as on a full link; closed with the gate
   * @param port where frames leave; closed with the gate
   * @param permission asked before each frame that leaves a gate which is not open
   */
  public FrameGate(
      FrameRoom room,
      FramePort port,
      Passing passing,
      ReleasePermission permission,
      Pressure pressure) {
    this.port = port;
    this.passing = passing;
    this.permission = permission;
    this.pressure = pressure;
    this.room = room;
    this.ring = new FrameRing(room);
    this.sender = Thread.ofPlatform().daemon().name("frame-gate").unstarted(this::run);
    sender.start();
  }

  @Override
  public boolean send(MemorySegment record, int length) {
    if (length < HEADER_BYTES + MIN_FRAME_BYTES || length > MAX_RECORD_BYTES) {
      return false;
    }
    addresses.observe(record, length);
    if (discarding) {
      return false;
    }
    boolean open = limit == Long.MAX_VALUE;
    if (open && passing == Passing.DIRECT && ring.isEmpty()) {
      return port.send(record, length);
    }
    boolean held = ring.add(epoch + 1, record, length);
    count(held ? enqueued : dropped);
    if (limit == Long.MAX_VALUE) {
      LockSupport.unpark(sender);
    } else if (!held || ring.usedBytes() > ring.capacityBytes() / 4 * 3) {
      press();
    }
    return held;
  }

  /** Each counter has one writer. */
  private static void count(AtomicLong counter) {
    counter.setRelease(counter.getPlain() + 1);
  }

  private void press() {
    if (pressedEpoch != epoch) {
      pressedEpoch = epoch;
      pressure.commitEarly();
    }
  }

  /**
   * The guest stands still at the end of {@code endedEpoch}: what it sent since the last call
   * belongs to that epoch, what it sends from now on is held for a later one. What passed through
   * an open gate is gone. Epochs rise.
   */
  public synchronized void endEpoch(long endedEpoch) {
    if (endedEpoch <= epoch && openCount > 0) {
      throw new IllegalArgumentException(
          "epoch %d ended after epoch %d: epochs must rise".formatted(endedEpoch, epoch));
    }
    long position = ring.tail();
    if (limit == Long.MAX_VALUE) {
      limit = position;
    }
    if (openCount == MAX_OPEN_EPOCHS) {
      // Its frames wait for the later epoch.
      openCount--;
    }
    openEpoch[openCount] = endedEpoch;
    openPosition[openCount] = position;
    openCount++;
    endedPosition = position;
    epoch = endedEpoch;
  }

  /** Frames of {@code committedEpoch} and all before may leave, as permission is given. */
  public synchronized void release(long committedEpoch) {
    int released = 0;
    while (released < openCount && openEpoch[released] <= committedEpoch) {
      released++;
    }
    if (released == 0) {
      return;
    }
    if (limit != Long.MAX_VALUE) {
      limit = Math.max(limit, openPosition[released - 1]);
    }
    openCount -= released;
    System.arraycopy(openEpoch, released, openEpoch, 0, openCount);
    System.arraycopy(openPosition, released, openPosition, 0, openCount);
    LockSupport.unpark(sender);
  }

  /** The gate is open: everything held leaves, later frames pass, until {@link #endEpoch}. */
  public synchronized void passThrough() {
    openCount = 0;
    discarding = false;
    limit = Long.MAX_VALUE;
    LockSupport.unpark(sender);
  }

  /** Everything held is thrown away, later frames too: the guest goes on elsewhere. */
  public synchronized void discard() {
    discarding = true;
    openCount = 0;
    LockSupport.unpark(sender);
  }

  /** Whether frames that the guest sent since the last {@link #endEpoch} are held. */
  public synchronized boolean hasSent() {
    return !isOpen() && ring.tail() != endedPosition;
  }

  /** Frames held now. */
  public int heldFrames() {
    return (int) Math.max(0, enqueued.get() - taken.get());
  }

  /** Octets of memory that held frames take. */
  public long heldBytes() {
    return ring.usedBytes();
  }

  /** Frames lost since the beginning because the gate was full. */
  public long droppedFrames() {
    return dropped.get();
  }

  /** Whether frames pass now. */
  public boolean isOpen() {
    return limit == Long.MAX_VALUE && !discarding;
  }

  /** The addresses that the guest has sent from. */
  public GuestAddresses addresses() {
    return addresses;
  }

  @Override
  public int receive(MemorySegment record, int timeoutMillis) {
    return port.receive(record, timeoutMillis);
  }

  @Override
  public void accept(Offloads offloads) {
    port.accept(offloads);
  }

  /** Ends the gate's thread and closes the port; what is held is lost. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(sender);
    Joining.await(sender);
    port.close();
    arena.close();
    room.close();
  }

  private void run() {
    while (!closed) {
      if (discarding) {
        throwAway();
        LockSupport.park(this);
      } else if (ring.head() >= Math.min(limit, ring.tail())) {
        LockSupport.park(this);
      } else if (limit == Long.MAX_VALUE || permission.mayRelease()) {
        ring.copy(outgoing);
        room.leaving(true);
        port.send(outgoing, ring.length());
        room.leaving(false);
        remove();
      } else {
        LockSupport.parkNanos(this, RETRY_NANOS);
      }
    }
  }

  private void throwAway() {
    while (!ring.isEmpty()) {
      remove();
    }
  }

  private void remove() {
    ring.remove();
    count(taken);
  }
}

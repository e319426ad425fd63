package dev.here.vmm;

import dev.here.net.FramePort;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reads one end of a network device's link, on a TAP one of its queues, and delivers what comes
 * into the receive queue of the pair with the same number.
 *
 * <p>Each end has a thread of its own: a receive queue that is full because its vCPU is busy must
 * not keep the frames of the other queues waiting. A batch is read without the platform's lock and
 * delivered under it.
 */
final class VirtioNetReceiver {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int FRAME = FramePort.HEADER_BYTES;
  private static final int BUFFER_COUNT_OFFSET = 10;
  private static final int BATCH = 16;
  private static final int WAIT_MILLIS = 250;

  private final VirtioNet device;
  private final VirtioTransport transport;
  private final int number;
  private final FramePort port;
  private final ReentrantLock platform;
  private final Condition moved;
  private final MemorySegment[] record = new MemorySegment[BATCH];
  private final int[] length = new int[BATCH];
  private final DescriptorChain chain = new DescriptorChain();
  private final DescriptorChain firstChain = new DescriptorChain();
  private boolean running;

  /**
   * @param number of the end, 0 upwards
   * @param arena of the device; outlives the thread
   * @param platform the platform's lock
   * @param moved signalled when the device resumes, is reset or closed, or has room
   */
  VirtioNetReceiver(
      VirtioNet device,
      VirtioTransport transport,
      int number,
      FramePort port,
      Arena arena,
      ReentrantLock platform,
      Condition moved) {
    this.device = device;
    this.transport = transport;
    this.number = number;
    this.port = port;
    this.platform = platform;
    this.moved = moved;
    MemorySegment records = arena.allocate((long) BATCH * FramePort.MAX_RECORD_BYTES, 64);
    for (int at = 0; at < BATCH; at++) {
      record[at] =
          records.asSlice((long) at * FramePort.MAX_RECORD_BYTES, FramePort.MAX_RECORD_BYTES);
    }
  }

  /** Starts the thread, once. With the platform's lock held. */
  void start() {
    if (!running) {
      running = true;
      Thread.ofPlatform()
          .daemon()
          .name("virtio-net %s %d".formatted(transport.address(), number))
          .start(this::receive);
    }
  }

  /** Whether the thread may still touch the device. With the platform's lock held. */
  boolean running() {
    return running;
  }

  private void receive() {
    while (true) {
      int count = readBatch();
      platform.lock();
      try {
        for (int at = 0; at < count && !device.closed(); at++) {
          deliverWhenPossible(record[at], length[at]);
        }
        device.transmitRest();
        if (device.closed()) {
          running = false;
          moved.signalAll();
          return;
        }
      } finally {
        platform.unlock();
      }
    }
  }

  private int readBatch() {
    int count = 0;
    while (count < BATCH) {
      int octets = port.receive(record[count], count == 0 ? WAIT_MILLIS : 0);
      if (octets <= 0) {
        break;
      }
      length[count++] = octets;
    }
    return count;
  }

  /** Delivers one frame of the batch once the machine runs and the driver has room. */
  private void deliverWhenPossible(MemorySegment frame, int octets) {
    while (!device.closed()) {
      if (!device.paused()) {
        if (!device.wants(frame, octets)) {
          return;
        }
        Virtqueue queue = transport.queue(2 * device.activePair(number));
        if (!queue.enabled()) {
          return;
        }
        boolean[] delivered = new boolean[1];
        transport.guarded(() -> delivered[0] = deliver(queue, frame, octets));
        if (delivered[0] || !transport.operational()) {
          return;
        }
      }
      moved.awaitUninterruptibly();
    }
  }

  /** Delivers a frame; false when the driver has no room for it now. */
  private boolean deliver(Virtqueue queue, MemorySegment frame, int octets) {
    if (deliverNow(queue, frame, octets)) {
      return true;
    }
    queue.notification(true);
    return deliverNow(queue, frame, octets);
  }

  private boolean deliverNow(Virtqueue queue, MemorySegment frame, int octets) {
    int headerBytes = device.headerBytes();
    int frameBytes = octets - FRAME;
    boolean merge = transport.negotiated(VirtioNet.MRG_RXBUF);
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
      into.copyIn(headroom, frame, FRAME + (long) done, here);
      if (buffers > 0) {
        queue.fill(into, buffers, here);
      }
      done += here;
      buffers++;
    }
    frame.set(U16, BUFFER_COUNT_OFFSET, (short) buffers);
    firstChain.copyIn(0, frame, 0, headerBytes);
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

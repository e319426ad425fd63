package dev.here.vmm;

import dev.here.net.FramePort;
import dev.here.net.Offloads;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A link's end that keeps what is sent and gives what the test puts in. */
final class FakeFramePort implements FramePort {
  final List<byte[]> sent = Collections.synchronizedList(new ArrayList<>());
  final BlockingQueue<byte[]> coming = new LinkedBlockingQueue<>();
  final List<Offloads> accepted = new ArrayList<>();

  @Override
  public boolean send(MemorySegment record, int length) {
    return sent.add(record.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public int receive(MemorySegment record, int timeoutMillis) {
    try {
      byte[] frame = coming.poll(Math.min(timeoutMillis, 20), TimeUnit.MILLISECONDS);
      if (frame == null) {
        return 0;
      }
      MemorySegment.copy(frame, 0, record, ValueLayout.JAVA_BYTE, 0, frame.length);
      return frame.length;
    } catch (InterruptedException e) {
      return 0;
    }
  }

  @Override
  public void accept(Offloads offloads) {
    accepted.add(offloads);
  }

  @Override
  public void close() {}
}

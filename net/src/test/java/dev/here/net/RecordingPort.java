package dev.here.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A port that keeps what is sent to it. */
final class RecordingPort implements FramePort {
  private final List<byte[]> sent = new ArrayList<>();
  volatile boolean closed;

  @Override
  public synchronized boolean send(MemorySegment record, int length) {
    sent.add(record.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
    notifyAll();
    return true;
  }

  /** All frames so far. */
  synchronized List<byte[]> sent() {
    return new ArrayList<>(sent);
  }

  /** Waits until {@code count} frames have been sent. */
  synchronized List<byte[]> await(int count) throws InterruptedException {
    while (sent.size() < count) {
      wait();
    }
    return new ArrayList<>(sent);
  }

  @Override
  public int receive(MemorySegment record, int timeoutMillis) {
    return 0;
  }

  @Override
  public void accept(Offloads offloads) {}

  @Override
  public void close() {
    closed = true;
  }
}

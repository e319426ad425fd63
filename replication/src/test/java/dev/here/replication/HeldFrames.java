package dev.here.replication;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** A frame gate for numbered frames; what has left can be looked at. */
final class HeldFrames implements FrameOutput {
  private final TreeMap<Long, List<Long>> byEpoch = new TreeMap<>();
  private List<Long> current = new ArrayList<>();
  private final List<Long> left = new ArrayList<>();
  private boolean open = true;
  private boolean discarding;

  synchronized void send(long frame) {
    if (discarding) {
      return;
    }
    (open ? left : current).add(frame);
  }

  @Override
  public synchronized void endEpoch(long epoch) {
    if (!open) {
      byEpoch.put(epoch, current);
    }
    open = false;
    current = new ArrayList<>();
  }

  @Override
  public synchronized void release(long epoch) {
    var due = byEpoch.headMap(epoch, true);
    due.values().forEach(left::addAll);
    due.clear();
  }

  @Override
  public synchronized void passThrough() {
    release(Long.MAX_VALUE);
    left.addAll(current);
    current = new ArrayList<>();
    open = true;
  }

  @Override
  public synchronized void discard() {
    byEpoch.clear();
    current = new ArrayList<>();
    discarding = true;
  }

  @Override
  public synchronized boolean hasSent() {
    return !current.isEmpty();
  }

  @Override
  public synchronized Held held() {
    long frames = byEpoch.values().stream().mapToInt(List::size).sum() + current.size();
    return new Held(frames, frames * Long.BYTES, 0);
  }

  @Override
  public boolean isFilling() {
    return false;
  }

  /** Whether it is as somebody's that is not to be touched: shut, with what it holds. */
  synchronized boolean holds() {
    return !open && !discarding;
  }

  synchronized List<Long> left() {
    return List.copyOf(left);
  }

  /** The last frame that left, 0 without any. */
  synchronized long lastLeft() {
    return left.isEmpty() ? 0 : left.getLast();
  }
}

package dev.here.bench;

import dev.here.replication.FrameOutput;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * A guest's generation numbers as its output: what it has counted at the end of an epoch leaves
 * with that epoch's commit. One for each host that the guest runs on; all share what the outside
 * has {@link Seen}.
 */
final class NumberOutput implements FrameOutput {
  /** The last number of each vCPU that the outside has seen. Thread-safe. */
  static final class Seen {
    private long[] last;

    Seen(int vcpus) {
      last = new long[vcpus];
    }

    synchronized long[] last() {
      return last.clone();
    }

    private synchronized void release(long[] numbers) {
      for (int vcpu = 0; vcpu < last.length; vcpu++) {
        if (numbers[vcpu] < last[vcpu]) {
          throw new SoakFailure(
              SoakFailure.Kind.DOUBLED,
              "the outside saw numbers up to %s and now %s"
                  .formatted(Arrays.toString(last), Arrays.toString(numbers)));
        }
      }
      last = numbers;
    }
  }

  private final BareMetalVm vm;
  private final MemorySegment ram;
  private final Seen seen;
  private final TreeMap<Long, long[]> held = new TreeMap<>();
  private boolean open = true;
  private boolean discarding;

  /**
   * @param ram of the running guest
   */
  NumberOutput(BareMetalVm vm, MemorySegment ram, Seen seen) {
    this.vm = vm;
    this.ram = ram;
    this.seen = seen;
  }

  @Override
  public synchronized void endEpoch(long epoch) {
    long[] now = vm.generations(ram);
    if (open && !discarding) {
      seen.release(now);
    }
    open = false;
    held.put(epoch, now);
  }

  @Override
  public synchronized void release(long epoch) {
    var due = held.headMap(epoch, true);
    if (!due.isEmpty() && !discarding) {
      seen.release(due.lastEntry().getValue());
    }
    due.clear();
  }

  @Override
  public synchronized void passThrough() {
    release(Long.MAX_VALUE);
    open = true;
  }

  @Override
  public synchronized void discard() {
    held.clear();
    discarding = true;
  }

  /** The guest sends all the time. */
  @Override
  public boolean hasSent() {
    return true;
  }

  @Override
  public boolean isFilling() {
    return false;
  }

  @Override
  public synchronized Held held() {
    return new Held(held.size(), (long) held.size() * vm.vcpus() * Long.BYTES, 0);
  }
}

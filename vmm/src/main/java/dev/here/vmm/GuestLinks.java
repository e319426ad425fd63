package dev.here.vmm;

import dev.here.formats.control.ControlMessage;
import dev.here.net.FrameGate;
import dev.here.net.TapDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The links of this process's guest, and their gates as one. A controller's word stays valid
 * without the controller: a gate that was closed stays closed until somebody opens it, but frames
 * leave it only until the moment that the last release named.
 */
final class GuestLinks implements AutoCloseable {
  private final List<List<GatedLink>> links = new ArrayList<>();

  /** Until when, by the monotonic clock, released frames may leave. */
  private volatile long untilNanos = System.nanoTime();

  /**
   * One more, in the order of the guest's network devices. While nobody uses these yet.
   *
   * @param queues of one TAP
   */
  void add(List<TapDevice> queues) {
    links.add(queues.stream().map(GatedLink::new).toList());
  }

  /** The ends of each link. */
  List<List<GatedLink>> all() {
    return links;
  }

  private Stream<GatedLink> ends() {
    return links.stream().flatMap(List::stream);
  }

  private List<FrameGate> gates() {
    return ends().map(link -> link.gate(this::mayRelease)).toList();
  }

  private boolean mayRelease() {
    return System.nanoTime() - untilNanos < 0;
  }

  /** The guest stands still at the end of {@code epoch}. */
  ControlMessage.FramesAre hold(long epoch) {
    List<FrameGate> gates = gates();
    gates.forEach(gate -> gate.endEpoch(epoch));
    return now(gates);
  }

  /** Frames of {@code epoch} and all before may leave before {@code until}. */
  ControlMessage.FramesAre release(long epoch, long until) {
    untilNanos = until;
    List<FrameGate> gates = gates();
    gates.forEach(gate -> gate.release(epoch));
    return now(gates);
  }

  /** What is held leaves, later frames pass. */
  ControlMessage.FramesAre pass() {
    List<FrameGate> gates = gates();
    gates.forEach(FrameGate::passThrough);
    return now(gates);
  }

  /** What is held is thrown away, later frames too. */
  ControlMessage.FramesAre discard() {
    List<FrameGate> gates = gates();
    gates.forEach(FrameGate::discard);
    return now(gates);
  }

  private static ControlMessage.FramesAre now(List<FrameGate> gates) {
    return new ControlMessage.FramesAre(
        gates.stream().mapToInt(FrameGate::heldFrames).sum(),
        gates.stream().mapToLong(FrameGate::heldBytes).sum(),
        gates.stream().mapToLong(FrameGate::droppedFrames).sum());
  }

  @Override
  public void close() {
    ends().forEach(GatedLink::close);
  }
}

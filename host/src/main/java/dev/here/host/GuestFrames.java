package dev.here.host;

import dev.here.net.FrameGate;
import dev.here.replication.FrameOutput;
import java.util.List;

/** The gates of all of a guest's network cards as one output. */
record GuestFrames(List<FrameGate> gates) implements FrameOutput {
  GuestFrames {
    gates = List.copyOf(gates);
  }

  @Override
  public void endEpoch(long epoch) {
    gates.forEach(gate -> gate.endEpoch(epoch));
  }

  @Override
  public void release(long epoch) {
    gates.forEach(gate -> gate.release(epoch));
  }

  @Override
  public void passThrough() {
    gates.forEach(FrameGate::passThrough);
  }

  @Override
  public void discard() {
    gates.forEach(FrameGate::discard);
  }

  @Override
  public boolean hasSent() {
    return gates.stream().anyMatch(FrameGate::hasSent);
  }

  @Override
  public int heldFrames() {
    return gates.stream().mapToInt(FrameGate::heldFrames).sum();
  }

  @Override
  public long heldBytes() {
    return gates.stream().mapToLong(FrameGate::heldBytes).sum();
  }
}

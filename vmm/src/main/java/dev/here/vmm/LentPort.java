package dev.here.vmm;

import dev.here.net.FramePort;
import dev.here.net.Offloads;
import java.lang.foreign.MemorySegment;

/** A port that outlives the device which uses it: closing this leaves it open. */
record LentPort(FramePort port) implements FramePort {
  @Override
  public boolean send(MemorySegment record, int length) {
    return port.send(record, length);
  }

  @Override
  public int receive(MemorySegment record, int timeoutMillis) {
    return port.receive(record, timeoutMillis);
  }

  @Override
  public void accept(Offloads offloads) {
    port.accept(offloads);
  }

  @Override
  public void close() {
    // The lender closes it.
  }
}

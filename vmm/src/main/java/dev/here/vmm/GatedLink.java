package dev.here.vmm;

import dev.here.net.FrameGate;
import dev.here.net.FramePort;
import dev.here.net.FrameRoom;
import dev.here.net.Offloads;
import dev.here.net.ReleasePermission;
import dev.here.net.TapDevice;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A network device's way to its TAP, which leads through a {@link FrameGate} once the guest is to
 * be protected. The gate is made open and stays for the rest of the process: an open gate passes
 * frames on the guest's thread, as no gate does.
 */
final class GatedLink implements FramePort {
  /** Room for a guest's frames between commits; taken as it is needed. */
  private static final long GATE_BYTES = 64L << 20;

  private final TapDevice tap;
  private volatile Optional<FrameGate> gate = Optional.empty();

  /** Owns {@code tap}. */
  GatedLink(TapDevice tap) {
    this.tap = tap;
  }

  /** The gate, made now if there is none yet. */
  synchronized FrameGate gate(ReleasePermission permission) {
    FrameGate known =
        gate.orElseGet(() ->
            new FrameGate(
                FrameRoom.anonymous(GATE_BYTES),
                new LentPort(tap),
                FrameGate.Passing.DIRECT,
                permission,
                () -> {}));
    gate = Optional.of(known);
    return known;
  }

  /** Past any gate, for what does not come from the guest. */
  FramePort ungated() {
    return new LentPort(tap);
  }

  /** Throws away the frames for the guest that came before it. */
  void discardWaiting() {
    tap.discardWaiting();
  }

  @Override
  public boolean send(MemorySegment record, int length) {
    Optional<FrameGate> way = gate;
    return way.isPresent() ? way.get().send(record, length) : tap.send(record, length);
  }

  @Override
  public int receive(MemorySegment record, int timeoutMillis) {
    return tap.receive(record, timeoutMillis);
  }

  @Override
  public void accept(Offloads offloads) {
    tap.accept(offloads);
  }

  @Override
  public synchronized void close() {
    gate.ifPresent(FrameGate::close);
    tap.close();
  }
}

package dev.here.host;

import dev.here.hypervisor.UnprotectableException;
import dev.here.net.GateException;
import dev.here.net.GuestGates;
import dev.here.net.HeldFrames;
import dev.here.replication.FrameOutput;
import dev.here.replication.ReplicationException;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/** The gates at a guest's ports as output commit needs them. */
final class GuestFrames implements FrameOutput, AutoCloseable {
  private final GuestGates gates;

  private GuestFrames(GuestGates gates) {
    this.gates = gates;
  }

  /**
   * Makes the gates, open. The caller owns the VM.
   *
   * @throws UnprotectableException when a port or the kernel is not fit for one
   */
  static GuestFrames at(UUID vm, List<String> ports) {
    try {
      return new GuestFrames(GuestGates.make(vm, ports));
    } catch (GateException e) {
      throw new UnprotectableException(List.of(String.valueOf(e.getMessage())));
    }
  }

  private static <T> T told(Supplier<T> what) {
    try {
      return what.get();
    } catch (GateException e) {
      throw new ReplicationException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void tell(Runnable what) {
    told(() -> {
      what.run();
      return true;
    });
  }

  @Override
  public void endEpoch(long epoch) {
    tell(() -> gates.endEpoch(epoch));
  }

  @Override
  public void release(long epoch) {
    tell(() -> gates.release(epoch));
  }

  @Override
  public void passThrough() {
    tell(gates::open);
  }

  @Override
  public void discard() {
    gates.drop();
  }

  @Override
  public void holdInbound() {
    tell(gates::holdInbound);
  }

  @Override
  public void passInbound() {
    tell(gates::passInbound);
  }

  @Override
  public boolean hasSent() {
    return told(gates::hasSent);
  }

  @Override
  public boolean isFilling() {
    return told(gates::isFilling);
  }

  @Override
  public Held held() {
    HeldFrames held = told(gates::held);
    return new Held(held.frames(), held.bytes(), held.lostFrames());
  }

  /** Whether frames are held that only the VM's owner may let go. */
  boolean holds() {
    return gates.holds();
  }

  /** Removes the gates, unless they hold: then they stay for whoever owns the VM. */
  @Override
  public void close() {
    gates.close();
  }
}

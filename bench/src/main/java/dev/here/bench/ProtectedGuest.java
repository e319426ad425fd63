package dev.here.bench;

import dev.here.driver.vmm.VmmPrimary;
import dev.here.driver.vmm.VmmStandby;
import dev.here.formats.wire.Message;
import dev.here.replication.Dialer;
import dev.here.replication.EpochLoop;
import dev.here.replication.FrameOutput;
import dev.here.replication.InProcessOwnership;
import dev.here.replication.Lease;
import dev.here.replication.ProtectionStatus;
import dev.here.replication.ReceiverEvents;
import java.util.UUID;

/**
 * A running guest under protection: primary, epoch loop, wire, receiver and warm VMM as they are in
 * earnest, over loopback TCP, both ends in this process. Only the epochs are the benchmark's, see
 * {@link DrivenEpochs}.
 */
final class ProtectedGuest implements AutoCloseable {
  private static final int DIAL_MILLIS = 30_000;
  private static final int WARM_UP_CHECKPOINTS = 600;

  private final WarmReplica replica;
  private final DrivenEpochs epochs = new DrivenEpochs();
  private final EpochLoop loop;

  /**
   * Begins to protect.
   *
   * @param running VMM with the guest; it runs on there afterwards
   * @param next not prepared yet; stays the caller's to end
   */
  ProtectedGuest(VmmStandby running, VmmStandby next) {
    UUID name = UUID.randomUUID();
    Lease lease = new InProcessOwnership().of(name).acquire().orElseThrow();
    replica = new WarmReplica(next, Loopback.handshake(), new Unwatched());
    try {
      loop =
          new EpochLoop(
              Loopback.protection(name, "bench", 1, Loopback.patientLimits()),
              VmmPrimary.attach(running.socket()),
              Dialer.tcp(replica.address(), DIAL_MILLIS),
              Loopback.handshake(),
              lease,
              new NoFrames(),
              epochs,
              epochs);
    } catch (RuntimeException e) {
      replica.close();
      throw e;
    }
    loop.start();
  }

  /** Waits until seeding begins; returns when that was, monotonic nanoseconds. */
  long awaitSeeding() throws InterruptedException {
    return epochs.awaitSeeding();
  }

  /** Waits for the first commit. */
  void awaitProtected() throws InterruptedException {
    epochs.awaitProtected();
  }

  /**
   * Waits until the programs on the way of a checkpoint are compiled, in all processes: for a
   * protection in earnest that is a matter of its first seconds.
   */
  void warmUp() throws InterruptedException {
    epochs.awaitCheckpoints(WARM_UP_CHECKPOINTS);
  }

  /** A checkpoint right after {@code work}, which the loop's thread does. */
  ProtectionStatus checkpoint(Runnable work) throws InterruptedException {
    return epochs.checkpoint(work);
  }

  @Override
  public void close() {
    loop.close();
    replica.close();
  }

  /** A guest without network. */
  private static final class NoFrames implements FrameOutput {
    @Override
    public void endEpoch(long epoch) {
      // There are none.
    }

    @Override
    public void release(long epoch) {
      // There are none.
    }

    @Override
    public void passThrough() {
      // There are none.
    }

    @Override
    public void discard() {
      // There are none.
    }

    @Override
    public boolean hasSent() {
      return true;
    }

    @Override
    public boolean isFilling() {
      return false;
    }

    @Override
    public Held held() {
      return Held.NONE;
    }
  }

  /** Nobody takes over here. */
  private static final class Unwatched implements ReceiverEvents {
    @Override
    public void connected() {
      // Of no concern.
    }

    @Override
    public void heard(Message.Progress progress) {
      // Of no concern.
    }

    @Override
    public void committed(long epoch, int pages, long commitNanos) {
      // The primary's side is asked.
    }

    @Override
    public void goodbye(Message.Goodbye goodbye) {
      // Of no concern.
    }

    @Override
    public void disconnected(String reason) {
      // The primary's side is asked.
    }
  }
}

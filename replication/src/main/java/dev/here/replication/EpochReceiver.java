package dev.here.replication;

import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateFormatException;
import dev.here.formats.wire.FrameType;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.PageCursor;
import dev.here.formats.wire.RefusalCode;
import dev.here.formats.wire.WireException;
import dev.here.formats.wire.WireProtocol;
import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.Standby;
import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MemoryRegion;
import java.io.EOFException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives one VM's checkpoints: reads the session's connections, lets the stage collect, and
 * commits on the <em>replica thread</em>, the only one that touches the replica's record and the
 * standby. A session that breaks a rule is refused and closed; the committed checkpoint stays, and
 * the primary may come again.
 */
public final class EpochReceiver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EpochReceiver.class);

  private final Replica replica;
  private final Standby standby;
  private final ReceiverEvents events;
  private final ExecutorService replicaThread;
  private @Nullable ReceiverSession session;
  private boolean takenOver;
  private volatile boolean memoryTouched;

  /** The committed state as the standby has it from {@link Standby#validate}, if it is known. */
  private Optional<EncodedState> committedState = Optional.empty();

  /**
   * @param replica its commits; closed with this receiver
   * @param standby prepared; stays the caller's to close, after this receiver
   * @param events told what happens
   */
  public EpochReceiver(Replica replica, Standby standby, ReceiverEvents events) {
    this.replica = replica;
    this.standby = standby;
    this.events = events;
    this.memoryTouched = replica.isRecovered();
    this.replicaThread =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("replica-" + replica.session()).daemon().factory());
  }

  /** The replica that is fed; its methods that change it belong to the replica thread. */
  public Replica replica() {
    return replica;
  }

  /**
   * Accepts a session's control connection in place of an earlier one.
   *
   * @throws RefusedException with the reason
   */
  synchronized ReceiverSession open(Message.Hello hello, Connection control)
      throws InterruptedException {
    check(hello);
    if (session != null) {
      session.close("the primary connected again");
      replica.stage().abandon();
      session.awaitEnd();
    }
    onReplicaThread(() -> {
      startAfresh(hello);
      return true;
    });
    ReceiverSession opened = new ReceiverSession(control, replica.streams());
    session = opened;
    return opened;
  }

  private Message.Welcome welcome() {
    return new Message.Welcome(replica.id(), replica.committedEpoch());
  }

  private void check(Message.Hello hello) {
    if (takenOver) {
      throw new RefusedException(
          RefusalCode.TAKEN_OVER, "this host has taken over %s".formatted(hello.vmName()));
    }
    if (!hello.session().equals(replica.session())) {
      throw new RefusedException(
          RefusalCode.UNKNOWN_VM, "this host's replica belongs to another protection");
    }
    if (hello.fencingToken() < replica.fencingToken()) {
      throw new RefusedException(
          RefusalCode.FENCED,
          "fencing token %d is older than %d: another host has owned the VM since"
              .formatted(hello.fencingToken(), replica.fencingToken()));
    }
    if (hello.memory().backingSizeBytes() != replica.memory().byteSize()
        || hello.streams() != replica.streams()) {
      throw new RefusedException(
          RefusalCode.PROTOCOL,
          "a session of %d streams and %d octets of memory came again with %d streams and %d"
              .formatted(
                  replica.streams(),
                  replica.memory().byteSize(),
                  hello.streams(),
                  hello.memory().backingSizeBytes()));
    }
  }

  private void startAfresh(Message.Hello hello) {
    replica.stage().reset(replica.committedEpoch());
    if (hello.fencingToken() > replica.fencingToken()) {
      replica.fence(hello.fencingToken());
    }
    if (replica.committedEpoch() == 0 && memoryTouched) {
      // An interrupted seeding begins anew, and pages that it leaves out must be zeros.
      replica.memory().fill((byte) 0);
      memoryTouched = false;
    }
  }

  /** Welcomes the peer and reads the control connection until the session ends. Blocks. */
  void control(ReceiverSession own) {
    try {
      own.control().write(welcome());
      events.connected();
      while (true) {
        receive(own, own.control().reader().nextMessage());
      }
    } catch (WireException e) {
      refuse(own, RefusalCode.PROTOCOL, e);
    } catch (EOFException e) {
      own.close("the primary closed the connection");
    } catch (IOException e) {
      own.close("the connection to the primary broke: " + e.getMessage());
    } catch (EpochStage.AbandonedEpochException e) {
      own.close(String.valueOf(e.getMessage()));
    } finally {
      own.close("the session ended");
      replica.stage().abandon();
      // Behind a goodbye that still waits for its commits.
      later(() -> events.disconnected(own.reason()));
      own.ended();
    }
  }

  private void receive(ReceiverSession own, Message message) throws IOException {
    switch (message) {
      case Message.Machine machine -> replica.stage().machine(machine);
      case Message.EpochEnd end -> commitLater(own, end);
      case Message.Progress progress -> {
        events.heard(progress);
        own.control().write(answer(progress));
      }
      case Message.Goodbye goodbye -> {
        // Behind the commits that are still to be done. The primary waits for the end of the
        // connections, so that nothing of this is lost.
        later(() -> {
          events.goodbye(goodbye);
          own.close("the primary ended the session");
        });
      }
      default ->
          throw new WireException(
              "a primary does not send %s on its control connection".formatted(message.type()));
    }
  }

  /** Tells the primary that this host is there. */
  private Message.Progress answer(Message.Progress heartbeat) {
    return new Message.Progress(
        heartbeat.sequence(), replica.committedEpoch(), false, false, false, 0);
  }

  /** Adds data stream {@code stream}, then reads it until the session ends. */
  void stream(int stream, Connection connection) throws IOException {
    ReceiverSession own;
    synchronized (this) {
      if (session == null) {
        throw new RefusedException(RefusalCode.UNKNOWN_VM, "the session has no control connection");
      }
      own = session;
      own.attach(stream, connection);
    }
    try {
      connection.write(welcome());
      readStream(stream, connection);
    } catch (WireException e) {
      refuse(own, RefusalCode.PROTOCOL, e);
    } catch (EpochStage.AbandonedEpochException e) {
      own.close(String.valueOf(e.getMessage()));
    } catch (EOFException e) {
      own.close("the primary closed data stream %d".formatted(stream));
    } catch (IOException e) {
      own.close("data stream %d broke: %s".formatted(stream, e.getMessage()));
    } catch (ReplicationException e) {
      refuse(own, RefusalCode.FAILED, e);
    } finally {
      own.close("data stream %d ended".formatted(stream));
      own.ended();
    }
  }

  private void readStream(int stream, Connection connection) throws IOException {
    EpochStage stage = replica.stage();
    PageCursor cursor = new PageCursor(replica.pageCount(), stream, replica.streams());
    PageDecoder decoder = new PageDecoder();
    boolean seeded = replica.committedEpoch() > 0;
    while (true) {
      FrameType type = connection.reader().next();
      if (type == FrameType.PAGES) {
        cursor.open(connection.reader());
        if (cursor.epoch() == WireProtocol.SEEDING_EPOCH) {
          requireUnseeded(seeded);
          seed(cursor, decoder);
        } else {
          stage.enter(cursor.epoch());
          while (cursor.next()) {
            stage.page(stream, cursor, decoder, replica.memory());
          }
        }
      } else if (connection.reader().message(type) instanceof Message.StreamEnd end) {
        if (end.epoch() == WireProtocol.SEEDING_EPOCH) {
          requireUnseeded(seeded);
          seeded = true;
        } else {
          stage.enter(end.epoch());
          stage.streamEnd(stream, end);
        }
      } else {
        throw new WireException("a primary does not send %s on a data stream".formatted(type));
      }
    }
  }

  private static void requireUnseeded(boolean seeded) {
    if (seeded) {
      throw new WireException("pages of the seeding came after its end");
    }
  }

  /** Before the first commit there is no checkpoint to spoil: pages go straight to memory. */
  private void seed(PageCursor cursor, PageDecoder decoder) {
    memoryTouched = true;
    while (cursor.next()) {
      long offset = (long) cursor.pageIndex() * MemoryRegion.PAGE_BYTES;
      decoder.decode(cursor, replica.memory(), offset, replica.memory(), offset);
    }
  }

  private void commitLater(ReceiverSession own, Message.EpochEnd end) {
    later(() -> {
      try {
        commit(own, end);
      } catch (WireException e) {
        refuse(own, RefusalCode.PROTOCOL, e);
      } catch (StateRefusedException | StateFormatException | InvalidMachineStateException e) {
        refuse(own, RefusalCode.UNSUITABLE, e);
      } catch (EpochStage.AbandonedEpochException e) {
        own.close(String.valueOf(e.getMessage()));
      } catch (RuntimeException e) {
        refuse(own, RefusalCode.FAILED, e);
      }
    });
  }

  private void commit(ReceiverSession own, Message.EpochEnd end) {
    byte[] octets = replica.stage().complete(end);
    long arrivedNanos = System.nanoTime();
    EncodedState state = encoded(octets);
    standby.validate(state);
    committedState = Optional.empty();
    replica.record(end, octets);
    committedState = Optional.of(state);
    long commitNanos = System.nanoTime() - arrivedNanos;
    try {
      own.control().write(new Message.Ack(end.epoch(), commitNanos));
    } catch (IOException e) {
      own.close("the acknowledgement of epoch %d could not be sent".formatted(end.epoch()));
    }
    replica.apply();
    events.committed(end.epoch(), end.pages(), commitNanos);
  }

  /** Not decoded here: the standby knows best where that is done. */
  private static EncodedState encoded(byte[] octets) {
    return new EncodedState(Bytes.of(octets), MachineStateCodec::decode);
  }

  private void refuse(ReceiverSession own, RefusalCode code, RuntimeException cause) {
    String reason = String.valueOf(cause.getMessage());
    if (own.refuse(code, reason)) {
      LOG.warn("session {} refused ({}): {}", replica.session(), code, reason);
    }
    replica.stage().abandon();
  }

  private void later(Runnable task) {
    try {
      replicaThread.execute(task);
    } catch (RejectedExecutionException e) {
      // The receiver is being closed: nobody is interested any more.
      replica.stage().abandon();
    }
  }

  /** Runs {@code task} on the replica thread, after the commits that were begun before. */
  public <T> T onReplicaThread(Callable<T> task) throws InterruptedException {
    try {
      return replicaThread.submit(Halt.guardCall(task)).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new ReplicationException("the replica's thread failed: " + e.getCause(), e);
    }
  }

  /**
   * Ends replication and starts the guest from the committed checkpoint. No connection is accepted
   * afterwards. The caller holds the lease.
   *
   * @throws ReplicationException when there is no committed checkpoint
   */
  public long takeOver() throws InterruptedException {
    synchronized (this) {
      takenOver = true;
      if (session != null) {
        session.close("this host takes over");
      }
    }
    replica.stage().abandon();
    return onReplicaThread(() -> {
      byte[] state =
          replica
              .machineState()
              .orElseThrow(() ->
                  new ReplicationException(
                      "no checkpoint was committed: there is nothing to continue from"));
      standby.activate(committedState.orElseGet(() -> encoded(state)));
      return replica.committedEpoch();
    });
  }

  /** Ends the session; the replica's store keeps the committed checkpoint. */
  @Override
  public void close() {
    synchronized (this) {
      takenOver = true;
      if (session != null) {
        session.close("this host ends its part");
      }
    }
    replica.stage().abandon();
    replicaThread.shutdown();
    try {
      if (session != null) {
        session.awaitEnd();
      }
      if (!replicaThread.awaitTermination(10, java.util.concurrent.TimeUnit.SECONDS)) {
        throw new ReplicationException("a commit has not ended within 10 s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    replica.close();
  }
}

package dev.here.formats.wire;

import dev.here.machine.Bytes;
import dev.here.machine.CardLink;
import dev.here.machine.MemoryMap;
import java.util.List;
import java.util.UUID;

/** Every frame except pages, decoded. Layouts are in docs/specs/wire.md. */
public sealed interface Message {
  /** The frame type that carries this message. */
  FrameType type();

  /**
   * Opens a session on its control connection.
   *
   * @param vm the protected VM
   * @param session new for every protection; a connection that is opened again keeps it
   * @param fencingToken of the lease under which the primary runs
   * @param vmName as the user knows it
   * @param streams data streams that will follow, 1 to 8
   * @param vcpus 1 to 8
   * @param memory the guest's memory
   * @param disks paths of the guest's disks by rising PCI address, the same on the standby; at most
   *     16
   * @param cards what the guest's network cards are joined to, by rising PCI address; at most 16.
   *     From a peer of version 1 it is {@link CardLink#UNKNOWN} alone
   */
  record Hello(
      UUID vm,
      UUID session,
      long fencingToken,
      String vmName,
      int streams,
      int vcpus,
      MemoryMap memory,
      List<String> disks,
      List<CardLink> cards)
      implements Message {
    public Hello {
      disks = List.copyOf(disks);
      cards = List.copyOf(cards);
    }

    @Override
    public FrameType type() {
      return FrameType.HELLO;
    }
  }

  /** Opens data stream {@code stream} of the session whose control connection is welcomed. */
  record Attach(UUID session, int stream) implements Message {
    @Override
    public FrameType type() {
      return FrameType.ATTACH;
    }
  }

  /**
   * The standby accepts a connection.
   *
   * @param replica which replica answers; another one than before holds nothing of the session
   * @param committedEpoch the last checkpoint that it has committed for the session, 0 for none
   */
  record Welcome(UUID replica, long committedEpoch) implements Message {
    @Override
    public FrameType type() {
      return FrameType.WELCOME;
    }
  }

  /** The peer says no; it closes the connection next. */
  record Refusal(RefusalCode code, String reason) implements Message {
    @Override
    public FrameType type() {
      return FrameType.REFUSAL;
    }
  }

  /**
   * Last frame of an epoch on a data stream.
   *
   * @param epoch the epoch
   * @param pages page entries of the epoch on this stream
   * @param frames page frames of the epoch on this stream
   */
  record StreamEnd(long epoch, int pages, int frames) implements Message {
    @Override
    public FrameType type() {
      return FrameType.STREAM_END;
    }
  }

  /** The machine state at the end of an epoch, as docs/specs/state.md describes it. */
  record Machine(long epoch, Bytes state) implements Message {
    @Override
    public FrameType type() {
      return FrameType.MACHINE;
    }
  }

  /**
   * The primary has sent the whole epoch.
   *
   * @param epoch the epoch
   * @param pages page entries on all streams together
   * @param machineCrc32c CRC32C of the machine state's octets
   */
  record EpochEnd(long epoch, int pages, int machineCrc32c) implements Message {
    @Override
    public FrameType type() {
      return FrameType.EPOCH_END;
    }
  }

  /**
   * The standby has committed an epoch.
   *
   * @param epoch the epoch
   * @param commitNanos from the arrival of EPOCH_END until the commit
   */
  record Ack(long epoch, long commitNanos) implements Message {
    @Override
    public FrameType type() {
      return FrameType.ACK;
    }
  }

  /**
   * The heartbeat, both ways: how far the guest has come (from the primary), or only that the peer
   * is there (from the standby, with the guest's fields 0).
   *
   * @param sequence rises by one a heartbeat
   * @param epoch last epoch captured, or committed
   * @param alive the hypervisor answers
   * @param paused the guest is meant to stand still
   * @param idle all vCPUs wait and no timer is overdue
   * @param executedNanos CPU time used by the guest
   */
  record Progress(
      long sequence, long epoch, boolean alive, boolean paused, boolean idle, long executedNanos)
      implements Message {
    @Override
    public FrameType type() {
      return FrameType.PROGRESS;
    }
  }

  /**
   * The primary ends the session.
   *
   * @param ending why, and what the standby is to do
   * @param epoch last epoch that the primary knows committed
   * @param reason for people
   */
  record Goodbye(Ending ending, long epoch, String reason) implements Message {
    @Override
    public FrameType type() {
      return FrameType.GOODBYE;
    }
  }
}

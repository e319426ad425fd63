package dev.here.formats.control;

import dev.here.formats.control.ControlMessage.Phase;
import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateFormatException;
import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Control messages as octets, big-endian: a header of 16 octets (magic, version, type, payload
 * length, CRC32C of all this and the payload) and the payload. Layout, bounds and rejections:
 * docs/specs/vmm-control.md.
 */
public final class ControlCodec {
  /** "HVMC". */
  public static final int MAGIC = 0x48564d43;

  /** The version written; only it is read. */
  public static final int VERSION = 3;

  public static final int HEADER_BYTES = 16;

  /** Largest payload. */
  public static final int MAX_PAYLOAD_BYTES = MachineStateCodec.MAX_STATE_BYTES + 64;

  private static final int MAX_TEXT_BYTES = 0xffff;

  private ControlCodec() {}

  /** A checked header: what follows it. */
  public record Header(int type, int payloadBytes, int checksum) {}

  /** Header and payload, ready to be sent. */
  public static byte[] encode(ControlMessage message) {
    byte[] payload = payload(message);
    int type = type(message);
    return ByteBuffer.allocate(HEADER_BYTES + payload.length)
        .put(head(type, payload.length))
        .putInt(checksum(type, payload))
        .put(payload)
        .array();
  }

  /** The header without its checksum. */
  private static byte[] head(int type, int payloadBytes) {
    return ByteBuffer.allocate(HEADER_BYTES - 4)
        .putInt(MAGIC)
        .putShort((short) VERSION)
        .putShort((short) type)
        .putInt(payloadBytes)
        .array();
  }

  private static int checksum(int type, byte[] payload) {
    CRC32C crc = new CRC32C();
    crc.update(head(type, payload.length));
    crc.update(payload);
    return (int) crc.getValue();
  }

  /**
   * Reads a header of {@link #HEADER_BYTES}.
   *
   * @throws ControlException wrong magic, version or length
   */
  public static Header header(ByteBuffer octets) {
    int magic = octets.getInt();
    int version = octets.getShort() & 0xffff;
    int type = octets.getShort() & 0xffff;
    int payloadBytes = octets.getInt();
    if (magic != MAGIC) {
      throw new ControlException("magic 0x%x is not that of VMM control".formatted(magic));
    }
    if (version != VERSION) {
      throw new ControlException(
          "control protocol version %d, this side speaks %d: use the same release"
              .formatted(version, VERSION));
    }
    if (payloadBytes < 0 || payloadBytes > MAX_PAYLOAD_BYTES) {
      throw new ControlException(
          "payload of %d octets, at most %d"
              .formatted(Integer.toUnsignedLong(payloadBytes), MAX_PAYLOAD_BYTES));
    }
    return new Header(type, payloadBytes, octets.getInt());
  }

  /**
   * Reads the payload that a header announced.
   *
   * @throws ControlException checksum, unknown type, bounds, or octets left over
   */
  public static ControlMessage decode(Header header, byte[] payload) {
    if (payload.length != header.payloadBytes()
        || checksum(header.type(), payload) != header.checksum()) {
      throw new ControlException("checksum of message type " + header.type() + " is wrong");
    }
    ByteBuffer in = ByteBuffer.wrap(payload);
    try {
      ControlMessage message = message(header.type(), in);
      if (in.hasRemaining()) {
        throw new ControlException(
            "message type %d has %d octets too many".formatted(header.type(), in.remaining()));
      }
      return message;
    } catch (BufferUnderflowException e) {
      throw new ControlException("message type " + header.type() + " is cut short", e);
    } catch (StateFormatException | InvalidMachineStateException e) {
      throw new ControlException("message type " + header.type() + ": " + e.getMessage(), e);
    }
  }

  private static int type(ControlMessage message) {
    return switch (message) {
      case ControlMessage.Prepare m -> 1;
      case ControlMessage.Attach m -> 2;
      case ControlMessage.Validate m -> 3;
      case ControlMessage.Activate m -> 4;
      case ControlMessage.Pause m -> 5;
      case ControlMessage.Resume m -> 6;
      case ControlMessage.Track m -> 7;
      case ControlMessage.TakeDirty m -> 8;
      case ControlMessage.Capture m -> 9;
      case ControlMessage.TakeState m -> 10;
      case ControlMessage.Save m -> 11;
      case ControlMessage.AskStatus m -> 12;
      case ControlMessage.Quit m -> 13;
      case ControlMessage.AskDevices m -> 18;
      case ControlMessage.Ready m -> 128;
      case ControlMessage.Done m -> 129;
      case ControlMessage.Captured m -> 130;
      case ControlMessage.DirtyTaken m -> 131;
      case ControlMessage.StateIs m -> 132;
      case ControlMessage.StatusIs m -> 133;
      case ControlMessage.Failed m -> 134;
      case ControlMessage.DevicesAre m -> 136;
    };
  }

  private static byte[] payload(ControlMessage message) {
    PayloadWriter out = new PayloadWriter();
    switch (message) {
      case ControlMessage.Prepare(MemoryMap memory, int vcpus) -> out.u8(vcpus).memoryMap(memory);
      case ControlMessage.Validate(long id, Bytes state) -> out.u64(id).octets(state.toArray());
      case ControlMessage.Activate(long id, Optional<Bytes> state) -> {
        out.u64(id);
        state.ifPresent(given -> out.octets(given.toArray()));
      }
      case ControlMessage.Track(boolean on) -> out.flag(on);
      case ControlMessage.Save(String path) -> out.text(path);
      case ControlMessage.Ready(MemoryMap memory, String hypervisor) ->
          out.text(hypervisor).memoryMap(memory);
      case ControlMessage.Done(long nanos) -> out.u64(nanos);
      case ControlMessage.Captured(long stop, long dirtyLog, long state, int pages) ->
          out.u64(stop).u64(dirtyLog).u64(state).u32(pages);
      case ControlMessage.DirtyTaken(int pages) -> out.u32(pages);
      case ControlMessage.StateIs(MachineState state) ->
          out.octets(MachineStateCodec.encode(state));
      case ControlMessage.StatusIs(Phase phase, long executed, boolean idle, String text) ->
          out.u8(phase.ordinal()).u64(executed).flag(idle).text(text);
      case ControlMessage.Failed(boolean refused, String text) -> out.flag(refused).text(text);
      case ControlMessage.DevicesAre(
              int vcpus,
              List<ControlMessage.Disk> disks,
              List<ControlMessage.Card> cards) -> {
        out.u8(vcpus).u16(disks.size());
        disks.forEach(disk -> out.flag(disk.readOnly()).text(disk.path()));
        out.u16(cards.size());
        cards.forEach(card -> out.text(card.tap()).u8(card.queuePairs()));
      }
      case ControlMessage.Attach m -> {}
      case ControlMessage.Pause m -> {}
      case ControlMessage.Resume m -> {}
      case ControlMessage.TakeDirty m -> {}
      case ControlMessage.Capture m -> {}
      case ControlMessage.TakeState m -> {}
      case ControlMessage.AskStatus m -> {}
      case ControlMessage.Quit m -> {}
      case ControlMessage.AskDevices m -> {}
    }
    return out.toArray();
  }

  private static ControlMessage message(int type, ByteBuffer in) {
    return switch (type) {
      case 1 -> prepare(in);
      case 2 -> new ControlMessage.Attach();
      case 3 -> new ControlMessage.Validate(in.getLong(), rest(in));
      case 4 ->
          new ControlMessage.Activate(
              in.getLong(), in.hasRemaining() ? Optional.of(rest(in)) : Optional.empty());
      case 5 -> new ControlMessage.Pause();
      case 6 -> new ControlMessage.Resume();
      case 7 -> new ControlMessage.Track(flag(in));
      case 8 -> new ControlMessage.TakeDirty();
      case 9 -> new ControlMessage.Capture();
      case 10 -> new ControlMessage.TakeState();
      case 11 -> new ControlMessage.Save(text(in));
      case 12 -> new ControlMessage.AskStatus();
      case 13 -> new ControlMessage.Quit();
      case 18 -> new ControlMessage.AskDevices();
      case 128 -> ready(in);
      case 129 -> new ControlMessage.Done(in.getLong());
      case 130 ->
          new ControlMessage.Captured(in.getLong(), in.getLong(), in.getLong(), in.getInt());
      case 131 -> new ControlMessage.DirtyTaken(in.getInt());
      case 132 -> new ControlMessage.StateIs(state(in));
      case 133 -> new ControlMessage.StatusIs(phase(in), in.getLong(), flag(in), text(in));
      case 134 -> new ControlMessage.Failed(flag(in), text(in));
      case 136 -> devices(in);
      default -> throw new ControlException("unknown message type " + type);
    };
  }

  private static ControlMessage prepare(ByteBuffer in) {
    int vcpus = in.get() & 0xff;
    if (vcpus < 1 || vcpus > MachineState.MAX_VCPUS) {
      throw new ControlException(
          "%d vCPUs, must be 1 to %d".formatted(vcpus, MachineState.MAX_VCPUS));
    }
    return new ControlMessage.Prepare(memoryMap(in), vcpus);
  }

  private static ControlMessage ready(ByteBuffer in) {
    String hypervisor = text(in);
    return new ControlMessage.Ready(memoryMap(in), hypervisor);
  }

  private static ControlMessage devices(ByteBuffer in) {
    int vcpus = in.get() & 0xff;
    int count = in.getShort() & 0xffff;
    List<ControlMessage.Disk> disks = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      boolean readOnly = flag(in);
      disks.add(new ControlMessage.Disk(text(in), readOnly));
    }
    return new ControlMessage.DevicesAre(vcpus, disks, cards(in));
  }

  private static List<ControlMessage.Card> cards(ByteBuffer in) {
    int count = in.getShort() & 0xffff;
    List<ControlMessage.Card> cards = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      String tap = text(in);
      int queuePairs = in.get() & 0xff;
      if (queuePairs < 1) {
        throw new ControlException("network card on " + tap + " has no queue pair");
      }
      cards.add(new ControlMessage.Card(tap, queuePairs));
    }
    return cards;
  }

  private static MemoryMap memoryMap(ByteBuffer in) {
    long backingSizeBytes = in.getLong();
    int count = in.getShort() & 0xffff;
    List<MemoryRegion> regions = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      int kind = in.get() & 0xff;
      if (kind >= MemoryKind.values().length) {
        throw new ControlException("memory region kind " + kind + " is unknown");
      }
      long gpa = in.getLong();
      long sizeBytes = in.getLong();
      long backingOffset = in.getLong();
      regions.add(
          new MemoryRegion(text(in), gpa, sizeBytes, MemoryKind.values()[kind], backingOffset));
    }
    return new MemoryMap(backingSizeBytes, regions);
  }

  private static Phase phase(ByteBuffer in) {
    int phase = in.get() & 0xff;
    if (phase >= Phase.values().length) {
      throw new ControlException("phase " + phase + " is unknown");
    }
    return Phase.values()[phase];
  }

  private static boolean flag(ByteBuffer in) {
    int value = in.get();
    if (value != 0 && value != 1) {
      throw new ControlException("flag is " + value + ", must be 0 or 1");
    }
    return value == 1;
  }

  private static String text(ByteBuffer in) {
    int length = in.getShort() & 0xffff;
    if (length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] octets = new byte[length];
    in.get(octets);
    return new String(octets, StandardCharsets.UTF_8);
  }

  private static MachineState state(ByteBuffer in) {
    return MachineStateCodec.decode(remaining(in));
  }

  private static Bytes rest(ByteBuffer in) {
    return Bytes.of(remaining(in));
  }

  private static byte[] remaining(ByteBuffer in) {
    byte[] octets = new byte[in.remaining()];
    in.get(octets);
    return octets;
  }

  /** A text cut to what a message can carry. */
  static byte[] bounded(String text) {
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    return octets.length <= MAX_TEXT_BYTES ? octets : Arrays.copyOf(octets, MAX_TEXT_BYTES);
  }
}

package dev.here.formats.wire;

import dev.here.machine.Bytes;
import dev.here.machine.CardLink;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PortVlans;
import dev.here.machine.VlanRange;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Payloads of all frames except pages (docs/specs/wire.md). A decoder takes exactly the payload: an
 * octet too few or too many, or a value out of its bounds, is a {@link WireException}.
 */
public final class MessageCodec {
  private static final int MAX_NAME_BYTES = 255;
  private static final int MAX_BRIDGE_BYTES = 15;
  private static final int MAX_DISKS = 16;
  private static final int MAX_REASON_BYTES = 2048;
  private static final int MAX_REGIONS = 512;
  private static final long MAX_BACKING_BYTES = 1L << 42;

  private MessageCodec() {}

  /**
   * Appends the payload of {@code message} to {@code out} (little-endian).
   *
   * @param version of the protocol that the peer speaks; what it has no place for is left out
   */
  public static void encode(Message message, ByteBuffer out, int version) {
    out.order(ByteOrder.LITTLE_ENDIAN);
    switch (message) {
      case Message.Hello hello -> encodeHello(hello, out, version);
      case Message.Attach attach -> putUuid(out, attach.session()).putInt(attach.stream());
      case Message.Welcome welcome ->
          putUuid(out, welcome.replica()).putLong(welcome.committedEpoch());
      case Message.Refusal refusal -> {
        out.put((byte) (refusal.code().ordinal() + 1));
        putText(out, refusal.reason(), MAX_REASON_BYTES);
      }
      case Message.StreamEnd end ->
          out.putLong(end.epoch()).putInt(end.pages()).putInt(end.frames());
      case Message.Machine machine -> out.putLong(machine.epoch()).put(machine.state().toArray());
      case Message.EpochEnd end ->
          out.putLong(end.epoch()).putInt(end.pages()).putInt(end.machineCrc32c());
      case Message.Ack ack -> out.putLong(ack.epoch()).putLong(ack.commitNanos());
      case Message.Progress progress -> encodeProgress(progress, out);
      case Message.Goodbye goodbye -> {
        out.put((byte) (goodbye.ending().ordinal() + 1)).putLong(goodbye.epoch());
        putText(out, goodbye.reason(), MAX_REASON_BYTES);
      }
    }
  }

  /** Most octets that {@link #encode} writes for {@code message}. */
  public static int maxEncodedBytes(Message message) {
    return message instanceof Message.Machine machine
        ? Long.BYTES + machine.state().length()
        : message.type().maxPayloadBytes();
  }

  /**
   * Decodes the payload between position and limit of {@code in}.
   *
   * @param version of the protocol that the peer speaks
   */
  public static Message decode(FrameType type, ByteBuffer in, int version) {
    in.order(ByteOrder.LITTLE_ENDIAN);
    try {
      Message message = decodeBody(type, in, version);
      if (in.hasRemaining()) {
        throw new WireException("%s has %d octets too many".formatted(type, in.remaining()));
      }
      return message;
    } catch (BufferUnderflowException e) {
      throw new WireException("%s ends too early".formatted(type), e);
    } catch (InvalidMachineStateException e) {
      throw new WireException("%s is not valid: %s".formatted(type, e.getMessage()), e);
    }
  }

  private static Message decodeBody(FrameType type, ByteBuffer in, int version) {
    return switch (type) {
      case HELLO -> decodeHello(in, version);
      case ATTACH ->
          new Message.Attach(
              uuid(in), bounded("stream", in.getInt(), 0, WireProtocol.MAX_STREAMS - 1));
      case WELCOME -> new Message.Welcome(uuid(in), epoch(in.getLong(), 0));
      case REFUSAL ->
          new Message.Refusal(
              constant("refusal code", RefusalCode.values(), in.get()), text(in, MAX_REASON_BYTES));
      case STREAM_END ->
          new Message.StreamEnd(
              epoch(in.getLong(), 0), count("pages", in.getInt()), count("frames", in.getInt()));
      case MACHINE -> decodeMachine(in);
      case EPOCH_END ->
          new Message.EpochEnd(epoch(in.getLong(), 1), count("pages", in.getInt()), in.getInt());
      case ACK ->
          new Message.Ack(
              epoch(in.getLong(), 1), bounded("commitNanos", in.getLong(), 0, Long.MAX_VALUE));
      case PROGRESS -> decodeProgress(in);
      case GOODBYE ->
          new Message.Goodbye(
              constant("ending", Ending.values(), in.get()),
              epoch(in.getLong(), 0),
              text(in, MAX_REASON_BYTES));
      case PAGES -> throw new WireException("PAGES came where a message was expected");
    };
  }

  private static void encodeHello(Message.Hello hello, ByteBuffer out, int version) {
    putUuid(out, hello.vm());
    putUuid(out, hello.session()).putLong(hello.fencingToken());
    putText(out, hello.vmName(), MAX_NAME_BYTES);
    out.put((byte) hello.streams()).put((byte) hello.vcpus());
    out.putLong(hello.memory().backingSizeBytes());
    out.putShort((short) hello.memory().regions().size());
    for (MemoryRegion region : hello.memory().regions()) {
      out.putLong(region.gpa()).putLong(region.sizeBytes()).putLong(region.backingOffset());
      out.put((byte) (region.kind().ordinal() + 1));
      putText(out, region.name(), MAX_NAME_BYTES);
    }
    out.put((byte) hello.disks().size());
    hello.disks().forEach(disk -> putText(out, disk, MAX_NAME_BYTES));
    if (version >= WireProtocol.CARDS_VERSION) {
      out.put((byte) hello.cards().size());
      hello.cards().forEach(card -> encodeCard(card, out));
    }
  }

  private static void encodeCard(CardLink card, ByteBuffer out) {
    putText(out, card.bridge(), MAX_BRIDGE_BYTES);
    out.putShort((short) card.mtuBytes()).putShort((short) card.queuePairs());
    out.put((byte) (card.vlans().isPresent() ? 1 : 0));
    card.vlans()
        .ifPresent(vlans -> {
          out.putShort((short) vlans.pvid());
          encodeRanges(vlans.untagged(), out);
          encodeRanges(vlans.tagged(), out);
        });
  }

  private static void encodeRanges(List<VlanRange> ranges, ByteBuffer out) {
    out.put((byte) ranges.size());
    ranges.forEach(range -> out.putShort((short) range.first()).putShort((short) range.last()));
  }

  private static Message.Hello decodeHello(ByteBuffer in, int version) {
    UUID vm = uuid(in);
    UUID session = uuid(in);
    long fencingToken = bounded("fencing token", in.getLong(), 0, Long.MAX_VALUE);
    String vmName = text(in, MAX_NAME_BYTES);
    int streams = bounded("streams", in.get(), 1, WireProtocol.MAX_STREAMS);
    int vcpus = bounded("vcpus", in.get(), 1, MachineState.MAX_VCPUS);
    long backingSizeBytes =
        bounded("backing size", in.getLong(), MemoryRegion.PAGE_BYTES, MAX_BACKING_BYTES);
    int regionCount = bounded("regions", Short.toUnsignedInt(in.getShort()), 1, MAX_REGIONS);
    List<MemoryRegion> regions = new ArrayList<>();
    for (int region = 0; region < regionCount; region++) {
      long gpa = in.getLong();
      long sizeBytes = in.getLong();
      long backingOffset = in.getLong();
      MemoryKind kind = constant("memory kind", MemoryKind.values(), in.get());
      regions.add(new MemoryRegion(text(in, MAX_NAME_BYTES), gpa, sizeBytes, kind, backingOffset));
    }
    int diskCount = bounded("disks", in.get(), 0, MAX_DISKS);
    List<String> disks = new ArrayList<>();
    for (int disk = 0; disk < diskCount; disk++) {
      disks.add(text(in, MAX_NAME_BYTES));
    }
    return new Message.Hello(
        vm,
        session,
        fencingToken,
        vmName,
        streams,
        vcpus,
        new MemoryMap(backingSizeBytes, regions),
        disks,
        version < WireProtocol.CARDS_VERSION ? List.of(CardLink.UNKNOWN) : decodeCards(in));
  }

  private static List<CardLink> decodeCards(ByteBuffer in) {
    int count = bounded("cards", in.get(), 0, CardLink.MAX_CARDS);
    List<CardLink> cards = new ArrayList<>();
    for (int card = 0; card < count; card++) {
      String bridge = text(in, MAX_BRIDGE_BYTES);
      int mtuBytes = Short.toUnsignedInt(in.getShort());
      int queuePairs = Short.toUnsignedInt(in.getShort());
      boolean filtered = bounded("card's VLAN filtering", in.get(), 0, 1) == 1;
      cards.add(
          new CardLink(
              bridge,
              mtuBytes,
              queuePairs,
              filtered ? Optional.of(decodeVlans(in)) : Optional.empty()));
    }
    return cards;
  }

  private static PortVlans decodeVlans(ByteBuffer in) {
    int pvid = Short.toUnsignedInt(in.getShort());
    List<VlanRange> untagged = decodeRanges(in);
    return new PortVlans(pvid, untagged, decodeRanges(in));
  }

  private static List<VlanRange> decodeRanges(ByteBuffer in) {
    int count = bounded("runs of VLANs", Byte.toUnsignedInt(in.get()), 0, PortVlans.MAX_RANGES);
    List<VlanRange> ranges = new ArrayList<>();
    for (int range = 0; range < count; range++) {
      int first = Short.toUnsignedInt(in.getShort());
      ranges.add(new VlanRange(first, Short.toUnsignedInt(in.getShort())));
    }
    return ranges;
  }

  private static Message.Machine decodeMachine(ByteBuffer in) {
    long epoch = epoch(in.getLong(), 1);
    if (!in.hasRemaining()) {
      throw new WireException("MACHINE of epoch %d is empty".formatted(epoch));
    }
    byte[] state = new byte[in.remaining()];
    in.get(state);
    return new Message.Machine(epoch, Bytes.of(state));
  }

  private static void encodeProgress(Message.Progress progress, ByteBuffer out) {
    int flags =
        (progress.alive() ? 1 : 0) | (progress.paused() ? 2 : 0) | (progress.idle() ? 4 : 0);
    out.putLong(progress.sequence()).putLong(progress.epoch()).put((byte) flags);
    out.putLong(progress.executedNanos());
  }

  private static Message.Progress decodeProgress(ByteBuffer in) {
    long sequence = bounded("sequence", in.getLong(), 0, Long.MAX_VALUE);
    long epoch = epoch(in.getLong(), 0);
    int flags = bounded("progress flags", in.get(), 0, 7);
    long executedNanos = bounded("executedNanos", in.getLong(), 0, Long.MAX_VALUE);
    return new Message.Progress(
        sequence, epoch, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, executedNanos);
  }

  private static ByteBuffer putUuid(ByteBuffer out, UUID uuid) {
    return out.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits());
  }

  private static UUID uuid(ByteBuffer in) {
    return new UUID(in.getLong(), in.getLong());
  }

  private static void putText(ByteBuffer out, String text, int maxBytes) {
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    int length = octets.length;
    if (length > maxBytes) {
      length = maxBytes;
      while (length > 0 && (octets[length] & 0xc0) == 0x80) {
        length--;
      }
    }
    out.putShort((short) length).put(octets, 0, length);
  }

  private static String text(ByteBuffer in, int maxBytes) {
    int length = bounded("text length", Short.toUnsignedInt(in.getShort()), 0, maxBytes);
    if (length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer octets = in.slice(in.position(), length);
    in.position(in.position() + length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(octets).toString();
    } catch (CharacterCodingException e) {
      throw new WireException("text is not UTF-8", e);
    }
  }

  private static <T> T constant(String what, T[] constants, byte code) {
    return constants[bounded(what, code, 1, constants.length) - 1];
  }

  private static long epoch(long epoch, long min) {
    return bounded("epoch", epoch, min, Long.MAX_VALUE - 1);
  }

  private static int count(String what, int count) {
    return bounded(what, count, 0, Integer.MAX_VALUE);
  }

  private static int bounded(String what, int value, int min, int max) {
    return (int) bounded(what, (long) value, min, max);
  }

  private static long bounded(String what, long value, long min, long max) {
    if (value < min || value > max) {
      throw new WireException("%s is %d, must be %d to %d".formatted(what, value, min, max));
    }
    return value;
  }
}

package dev.here.formats.xen;

import java.util.ArrayList;
import java.util.List;

/**
 * The 8254. When a channel's counting began is not kept: Xen begins anew on restore.
 *
 * @param instance 0
 * @param channels three
 * @param speakerDataOn bit 1 of port 61h
 * @param pad0 kept
 */
public record HvmPit(int instance, List<Channel> channels, long speakerDataOn, long pad0)
    implements HvmRecord {
  static final HvmLayout CHANNEL =
      HvmLayout.of(
          "hvm_hw_pit_channel",
          """
          count:4 latched_count:2 count_latched:1 status_latched:1 status:1 read_state:1
          write_state:1 write_latch:1 rw_mode:1 mode:1 bcd:1 gate:1
          """);
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_hw_pit", "channels:1*48 speaker_data_on:4 pad0:4");

  public HvmPit {
    channels = HvmContext.elements("hvm_hw_pit.channels", channels, 3);
  }

  /**
   * One channel.
   *
   * @param count reload value, 1 to 65536
   * @param latchedCount the count held by a latch command
   * @param countLatched how it is read: 0 none, else as readState
   * @param statusLatched a status is held
   * @param status that status
   * @param readState 1 low octet, 2 high, 3 low then high, 4 the high one of these
   * @param writeState likewise
   * @param writeLatch low octet already written
   * @param rwMode access mode, 1 to 3; 0 before the first command
   * @param mode 0 to 5; 255 before the first command
   * @param bcd 1 for BCD, which Xen does not count in
   * @param gate gate input
   */
  public record Channel(
      long count,
      int latchedCount,
      int countLatched,
      int statusLatched,
      int status,
      int readState,
      int writeState,
      int writeLatch,
      int rwMode,
      int mode,
      int bcd,
      int gate) {
    private static Channel decode(byte[] body) {
      HvmFields fields = HvmFields.of(CHANNEL, body);
      return new Channel(
          fields.number("count"),
          fields.small("latched_count"),
          fields.small("count_latched"),
          fields.small("status_latched"),
          fields.small("status"),
          fields.small("read_state"),
          fields.small("write_state"),
          fields.small("write_latch"),
          fields.small("rw_mode"),
          fields.small("mode"),
          fields.small("bcd"),
          fields.small("gate"));
    }

    private byte[] body() {
      return HvmFields.empty(CHANNEL)
          .put("count", count)
          .put("latched_count", latchedCount)
          .put("count_latched", countLatched)
          .put("status_latched", statusLatched)
          .put("status", status)
          .put("read_state", readState)
          .put("write_state", writeState)
          .put("write_latch", writeLatch)
          .put("rw_mode", rwMode)
          .put("mode", mode)
          .put("bcd", bcd)
          .put("gate", gate)
          .body();
    }
  }

  static HvmPit decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmPit(
        instance,
        HvmFields.split(fields.octets("channels"), CHANNEL.sizeBytes()).stream()
            .map(Channel::decode)
            .toList(),
        fields.number("speaker_data_on"),
        fields.number("pad0"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.PIT;
  }

  @Override
  public byte[] body() {
    var bodies = new ArrayList<byte[]>();
    channels.forEach(channel -> bodies.add(channel.body()));
    return HvmFields.empty(LAYOUT)
        .put("channels", HvmFields.joined(bodies))
        .put("speaker_data_on", speakerDataOn)
        .put("pad0", pad0)
        .body();
  }
}

package dev.here.vmm;

import dev.here.machine.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The virtio structures that a function's configuration space announces (VIRTIO 1.2, section
 * 4.1.4).
 *
 * @param structures where they are
 * @param notifyMultiplier octets between the notification addresses of two queues
 * @param accessCapability offset of the capability for access through configuration space
 */
record VirtioCapabilities(
    List<Structure> structures, int notifyMultiplier, OptionalInt accessCapability) {
  /** Kinds of structure that lie in a BAR; the ordinal + 1 is cfg_type. */
  enum Kind {
    COMMON,
    NOTIFY,
    ISR,
    DEVICE
  }

  /**
   * One structure.
   *
   * @param kind which
   * @param bar 0 to 5
   * @param offset in that BAR
   * @param sizeBytes its length
   */
  record Structure(Kind kind, int bar, long offset, long sizeBytes) {
    boolean holds(int accessedBar, long at) {
      return bar == accessedBar && at >= offset && at - offset < sizeBytes;
    }
  }

  private static final int STATUS_LOW = 0x06;
  private static final int POINTER = 0x34;
  private static final int VENDOR = 0x09;
  private static final int ACCESS_TYPE = 5;

  /** Reads the capabilities of a configuration space of 256 octets. */
  static VirtioCapabilities of(Bytes config) {
    List<Structure> structures = new ArrayList<>();
    int multiplier = 0;
    OptionalInt access = OptionalInt.empty();
    boolean present = (config.at(STATUS_LOW) & 0x10) != 0;
    int at = present ? config.at(POINTER) & 0xfc : 0;
    for (int seen = 0; at >= 0x40 && seen < 48; seen++) {
      int length = config.at(at + 2);
      if (config.at(at) == VENDOR && length >= 16 && at + length <= 256) {
        int type = config.at(at + 3);
        if (type >= 1 && type <= Kind.values().length) {
          structures.add(
              new Structure(
                  Kind.values()[type - 1],
                  config.at(at + 4),
                  config.u32(at + 8),
                  config.u32(at + 12)));
          if (type - 1 == Kind.NOTIFY.ordinal() && length >= 20) {
            multiplier = (int) config.u32(at + 16);
          }
        } else if (type == ACCESS_TYPE && length >= 20) {
          access = OptionalInt.of(at);
        }
      }
      at = config.at(at + 1) & 0xfc;
    }
    return new VirtioCapabilities(List.copyOf(structures), multiplier, access);
  }
}

package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.PciAddress;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import java.util.List;
import java.util.Optional;

/** Virtio devices for tests. */
final class VirtioDevices {
  private VirtioDevices() {}

  /** A disk with nothing but its features. */
  static VirtioDevice block(long features) {
    return new VirtioDevice(
        new PciAddress(0, 3, 0),
        VirtioKind.BLOCK,
        true,
        true,
        features,
        features,
        0,
        0,
        features,
        15,
        0,
        0,
        0xffff,
        0,
        false,
        List.of(),
        List.of(),
        Bytes.EMPTY,
        Optional.empty());
  }
}

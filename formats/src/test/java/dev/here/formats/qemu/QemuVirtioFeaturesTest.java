package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.VirtioKind;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class QemuVirtioFeaturesTest {
  private static long bits(VirtioKind kind, String json) {
    return QemuVirtioFeatures.bits(kind, JsonMapper.builder().build().readTree(json));
  }

  @Test
  void namesAndNumbersOfQemu722AreBits() {
    String answer =
        """
        {"unknown-dev-features": 1099511627776, "dev-features": [
        "VHOST_USER_F_PROTOCOL_FEATURES: Vhost-user protocol features negotiation supported",
        "VIRTIO_BLK_F_FLUSH: Flush command supported", "VIRTIO_BLK_F_RO: Device is read-only"],
        "transports": ["VIRTIO_RING_F_EVENT_IDX: Used & avail. event fields enabled",
        "VIRTIO_F_VERSION_1: Device compliant for v1 spec (legacy)"]}
        """;
    assertThat(bits(VirtioKind.BLOCK, answer))
        .isEqualTo(1L << 40 | 1L << 32 | 1L << 30 | 1L << 29 | 1L << 9 | 1L << 5);
    assertThat(bits(VirtioKind.NET, "{\"dev-features\": [\"VIRTIO_NET_F_MAC: x\"]}"))
        .isEqualTo(1 << 5);
  }

  @Test
  void anUnknownNameIsRefused() {
    assertThatThrownBy(() -> bits(VirtioKind.RNG, "{\"dev-features\": [\"VIRTIO_BLK_F_RO: x\"]}"))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("VIRTIO_BLK_F_RO");
  }
}

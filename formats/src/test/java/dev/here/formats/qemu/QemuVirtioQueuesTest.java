package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Network devices with three queue pairs, as QEMU wrote them. */
class QemuVirtioQueuesTest {
  private static final long MQ = 1L << 22;

  private VmState state;
  private List<VirtioDevice> devices;

  @SuppressWarnings("NullAway.Init")
  QemuVirtioQueuesTest() {}

  @BeforeEach
  void translate() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("tcg-queues"));
    state = Golden.state(stream);
    devices =
        QemuVirtioTranslation.devices(state, GoldenFacts.of("tcg-queues", 2), new KeptParts());
  }

  @Test
  void aDriverOfSeveralPairsKeepsItsQueues() {
    VirtioDevice device = devices.get(0);
    assertThat(device.negotiatedFeatures() & MQ).isNotZero();
    VirtioNetState net = device.net().orElseThrow();
    assertThat(net.queuePairs()).isEqualTo(2);
    assertThat(net.maxQueuePairs()).isEqualTo(3);
    assertThat(device.queues())
        .allMatch(VirtioQueue::enabled)
        .extracting(VirtioQueue::maxSize)
        .containsExactly(256, 256, 256, 256, 256, 256, 64);
    assertThat(device.queues())
        .extracting(VirtioQueue::msixVector)
        .containsExactly(1, 2, 3, 4, 5, 6, 7);
    assertThat(device.queues())
        .extracting(VirtioQueue::deviceGpa)
        .containsExactly(
            0x108000L, 0x118000L, 0x128000L, 0x138000L, 0x148000L, 0x158000L, 0x168000L);
    // One command, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, has been answered on the last queue.
    assertThat(device.queues().getLast().nextAvailable()).isEqualTo(1);
    assertThat(device.queues().getLast().usedIndex()).isEqualTo(1);
  }

  @Test
  void ofADriverWithoutMultiqueueQemuKeepsOnePairAndTheControlQueue() {
    VirtioDevice device = devices.get(1);
    assertThat(device.negotiatedFeatures() & MQ).isZero();
    assertThat(device.net().orElseThrow().queuePairs()).isEqualTo(1);
    assertThat(device.net().orElseThrow().maxQueuePairs()).isEqualTo(3);
    assertThat(device.queues()).extracting(VirtioQueue::maxSize).containsExactly(256, 256, 64);
  }

  /** Its configuration is all zeros: QEMU fills it for the first driver that reads it. */
  @Test
  void ofADeviceThatNoDriverHasLookedAtTheNumberOfPairsIsKnown() {
    VirtioDevice device = devices.get(2);
    assertThat(device.deviceConfig().toArray()).containsOnly(0);
    assertThat(device.net().orElseThrow().queuePairs()).isEqualTo(1);
    assertThat(device.net().orElseThrow().maxQueuePairs()).isEqualTo(3);
    assertThat(device.queues()).hasSize(3).noneMatch(VirtioQueue::enabled);
  }

  @Test
  void theWayBackGivesTheSameDevices() {
    for (VirtioDevice device : devices) {
      new QemuVirtioPatch(state, device, Optional.empty()).apply();
    }
    assertThat(
            QemuVirtioTranslation.devices(state, GoldenFacts.of("tcg-queues", 2), new KeptParts()))
        .isEqualTo(devices);
  }
}

package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.HypervisorException;
import dev.here.machine.CpuidLeaf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class CpuidProbeTest {
  @TempDir Path folder;

  @Test
  @Tag("qemu")
  @Timeout(60)
  void measuresEveryVcpuOfARunningGuestAsQemuItselfDescribesThem() throws Exception {
    try (var qemu =
        RunningQemu.start(
            folder,
            "-machine",
            "pc-i440fx-7.2",
            "-m",
            "32",
            "-nic",
            "none",
            "-smp",
            "4,sockets=2,cores=2",
            "-cpu",
            "max,-avx2,+invtsc")) {
      QemuInventory inventory = qemu.inventory();
      CpuidProbe.Measured measured = CpuidProbe.measure(inventory, folder, Duration.ofSeconds(40));
      List<CpuidAnswers> vcpus = measured.vcpus();
      assertThat(vcpus).extracting(CpuidAnswers::apicId).containsExactly(0, 1, 2, 3);
      FeatureWords own =
          FeatureWords.of(qemu.qmp(), inventory.vcpus().getFirst().qomPath(), RunningQemu.TIMEOUT);
      assertThat(measured.words()).hasSize(4);
      measured.words().forEach(own::requireSame);
      CpuidLeaf seven =
          vcpus.getFirst().leaves().stream()
              .filter(l -> l.leaf() == 7 && l.subleaf() == 0)
              .findFirst()
              .orElseThrow();
      assertThat(seven.ebx() & 1 << 5).as("AVX2 was switched off").isZero();
      assertThat(CpuidProbe.measure(inventory, folder, Duration.ofNanos(1)))
          .as("kept from the first time")
          .isEqualTo(measured);
      var changed = new HashMap<>(own.words());
      changed.compute("0x7.0 EBX", (name, bits) -> (bits == null ? 0 : bits) ^ 1 << 5);
      assertThatThrownBy(() -> own.requireSame(new FeatureWords(changed)))
          .isInstanceOf(HypervisorException.class)
          .hasMessageContaining("0x7.0 EBX")
          .hasMessageContaining("other CPU options");
    }
  }

  private static byte[] output(int... apicIds) {
    var out = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    out.put("HEREcpu1".getBytes(StandardCharsets.US_ASCII)).putInt(apicIds.length);
    for (int id : apicIds) {
      out.putInt(3 * 24);
      for (int word :
          new int[] {0, 0, 1, 7, 7, 7, 1, 0, 5, id << 24, 5, 5, 0x40000000, 0, 1, 7, 7, 7}) {
        out.putInt(word);
      }
    }
    out.put("done".getBytes(StandardCharsets.US_ASCII));
    return Arrays.copyOf(out.array(), out.position());
  }

  @Test
  void answersAreSortedAndAbsentRangesLeftOut() {
    List<CpuidAnswers> vcpus = CpuidAnswers.parse(output(3, 1));
    assertThat(vcpus).extracting(CpuidAnswers::apicId).containsExactly(1, 3);
    assertThat(vcpus.getFirst().leaves()).extracting(CpuidLeaf::leaf).containsExactly(0, 1);
  }

  @Test
  void theSameApicIdTwiceIsRefused() {
    assertThatThrownBy(() -> CpuidAnswers.parse(output(2, 2)))
        .isInstanceOf(HypervisorException.class)
        .hasMessageContaining("comes twice");
  }

  @Test
  void damagedOutputIsReadOrRefused() {
    byte[] whole = output(0, 1);
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> CpuidAnswers.parse(cut)).isInstanceOf(HypervisorException.class);
    }
    for (long seed = 0; seed < 5000; seed++) {
      var random = new SplittableRandom(seed);
      byte[] damaged = whole.clone();
      for (int edits = 1 + random.nextInt(6); edits > 0; edits--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      try {
        assertThat(CpuidAnswers.parse(damaged)).as("seed %d", seed).isNotEmpty();
      } catch (HypervisorException refused) {
        assertThat(refused).as("seed %d", seed).hasMessageContaining("not whole");
      }
    }
  }
}

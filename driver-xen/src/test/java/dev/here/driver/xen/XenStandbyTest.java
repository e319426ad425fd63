package dev.here.driver.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.HypervisorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A host without Xen says so; with Xen the lab's tests do the rest. */
class XenStandbyTest {
  @BeforeEach
  void needsAHostWithoutXen() {
    Assumptions.assumeFalse(Files.exists(Path.of("/proc/xen/capabilities")), "this host has Xen");
  }

  @Test
  void aHostWithoutXenIsNone() {
    assertThat(XenStandby.isHere()).isFalse();
    assertThat(new XenProgress("demo").ask().alive()).isFalse();
  }

  @Test
  void nothingIsPreparedWithoutXen() {
    try (var standby = new XenStandby(Path.of("/dev/null"))) {
      assertThatThrownBy(() -> standby.prepare(ONE_PAGE, 1))
          .isInstanceOf(HypervisorException.class);
      assertThatThrownBy(standby::memory).isInstanceOf(IllegalStateException.class);
    }
  }

  private static final dev.here.machine.MemoryMap ONE_PAGE =
      new dev.here.machine.MemoryMap(
          4096,
          java.util.List.of(
              new dev.here.machine.MemoryRegion(
                  "ram", 0, 4096, dev.here.machine.MemoryKind.RAM, 0)));
}

package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabPlanTest {
  @Test
  void numbersHosts() {
    LabPlan plan = LabPlan.pair(List.of());
    assertThat(plan.number("kvm-a")).isEqualTo(11);
    assertThat(plan.number("kvm-b")).isEqualTo(12);
    assertThatThrownBy(() -> plan.number("kvm-c"))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("kvm-c");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Kvm", "a b", "../x", "abcdefghijk", "a;b"})
  void refusesNamesThatAreNoDeviceNames(String name) {
    assertThatThrownBy(() -> new LabPlan(List.of(name), 512, 1, List.of()))
        .isInstanceOf(LabException.class);
  }

  @Test
  void namesOfTapsFitTheKernel() {
    for (HostNetwork network : HostNetwork.values()) {
      assertThat(network.tap("abcdefghij").length()).isLessThanOrEqualTo(15);
    }
  }

  @Test
  void theGuestsCommandLineNamesItsNetworkAndDisk() {
    assertThat(LabGuest.demo(2).command())
        .contains("-nic tap,", "readonly=on", "-smp 2", "isa-debug-exit", "tsc=reliable");
    assertThat(new LabGuest("x", 1, 128, "10.88.0.51", "52:54:00:12:34:57", true, false).command())
        .doesNotContain("isa-debug-exit")
        .doesNotContain("mitigations");
  }
}

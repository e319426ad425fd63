package dev.here.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TwoHostsTest {
  /**
   * Once a test ended the hosts' first process, which had outside the number that a VMM had inside.
   */
  @Test
  void aProcessOutsideHasNoIdInside() {
    assertThat(TwoHosts.innermost("NSpid:\t812")).isZero();
    assertThat(TwoHosts.innermost("NSpid:\t20511\t812")).isEqualTo(812);
    assertThat(TwoHosts.innermost("NSpid:\t20511\t812\t3")).isEqualTo(3);
  }
}

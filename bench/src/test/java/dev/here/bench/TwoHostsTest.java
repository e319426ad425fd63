package dev.here.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TwoHostsTest {
  /** A test would end the hosts' first process where that has a VMM's inner number outside. */
  @Test
  void aProcessOutsideHasNoIdInside() {
    assertThat(TwoHosts.innermost("NSpid:\t812")).isZero();
    assertThat(TwoHosts.innermost("NSpid:\t20511\t812")).isEqualTo(812);
    assertThat(TwoHosts.innermost("NSpid:\t20511\t812\t3")).isEqualTo(3);
  }
}

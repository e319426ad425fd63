package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.PciAddress;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class PirqRouterTest {
  private final TreeSet<Integer> asserted = new TreeSet<>();

  private PirqRouter router(int pins) {
    return new PirqRouter(
        gsi ->
            level -> {
              if (level) {
                asserted.add(gsi);
              } else {
                asserted.remove(gsi);
              }
            },
        pins);
  }

  @Test
  void slotsRotateOverTheRoutes() {
    PirqRouter router = router(24);
    for (int pirq = 0; pirq < 4; pirq++) {
      router.route(pirq, 8 + pirq);
    }
    router.set(new PciAddress(0, 1, 0), 0, true);
    assertThat(asserted).containsExactly(8);
    router.set(new PciAddress(0, 4, 0), 0, true);
    assertThat(asserted).containsExactly(8, 11);
    router.set(new PciAddress(0, 5, 0), 0, true);
    router.set(new PciAddress(0, 1, 0), 0, false);
    assertThat(asserted).containsExactly(8, 11);
    router.set(new PciAddress(0, 5, 0), 0, false);
    assertThat(asserted).containsExactly(11);
  }

  @Test
  void anAssertedWireFollowsItsRoute() {
    PirqRouter router = router(24);
    router.set(new PciAddress(0, 3, 0), 0, true);
    assertThat(asserted).isEmpty();
    router.route(2, 10);
    assertThat(asserted).containsExactly(10);
    router.route(2, 11);
    assertThat(asserted).containsExactly(11);
    router.route(2, 0x80);
    assertThat(asserted).isEmpty();
  }

  @Test
  void manyPinsAlsoHaveAWireEach() {
    PirqRouter router = router(48);
    router.route(3, 5);
    router.set(new PciAddress(0, 3, 0), 0, true);
    assertThat(asserted).containsExactly(5, 28);
    router.set(new PciAddress(0, 3, 0), 0, false);
    assertThat(asserted).isEmpty();
  }
}

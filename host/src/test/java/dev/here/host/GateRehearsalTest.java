package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.testkit.OwnNetwork;
import org.junit.jupiter.api.Test;

class GateRehearsalTest {
  @Test
  void leavesNoGate() throws Exception {
    OwnNetwork.run(
        Threads::enterOwnNetwork,
        () -> {
          GateRehearsal.run();
          try (RouteNetlink netlink = RouteNetlink.open()) {
            assertThat(LinkFacts.all(netlink))
                .extracting(LinkFacts::name)
                .contains("heretrial0")
                .noneMatch(name -> name.startsWith("hg"));
          }
        });
  }
}

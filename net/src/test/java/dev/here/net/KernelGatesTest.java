package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class KernelGatesTest {
  private static KernelGates probe() {
    try {
      return KernelGates.probe();
    } catch (GateException e) {
      return Assumptions.abort(e.getMessage() + ": run as root");
    }
  }

  /** Names of the interfaces that a gate at a port of this kernel is made of. */
  private static List<String> linksOfAGate() {
    CompletableFuture<List<String>> names = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            Threads.enterOwnNetwork();
            try (RouteNetlink netlink = RouteNetlink.open();
                GuestGates gates = GuestGates.make(UUID.randomUUID(), List.of("lo"))) {
              assertThat(gates.holds()).isFalse();
              names.complete(LinkFacts.all(netlink).stream().map(LinkFacts::name).toList());
            }
          } catch (NativeException | GateException e) {
            names.completeExceptionally(e);
          }
        });
    return names.join();
  }

  @Test
  void aProbeFindsTheQueueThatAGateGets() {
    KernelGates found = probe();
    Assumptions.assumeTrue(found.usable(), () -> "this kernel has no " + found.missing());
    String holder = GateLink.name(1, GateLink.Role.OUT);
    assertThat(linksOfAGate().contains(holder)).isEqualTo(found.queue() == KernelGates.Queue.PLUG);
  }

  @Test
  void aProbeLeavesNothing() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      probe();
      assertThat(LinkFacts.all(netlink)).noneMatch(link -> link.name().startsWith("heredoctor"));
    }
  }
}

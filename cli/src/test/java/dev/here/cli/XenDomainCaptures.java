package dev.here.cli;

import dev.here.driver.xen.XenGuest;
import dev.here.machine.MachineState;
import dev.here.testkit.RecordedPages;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Run on a Xen host itself by {@link XenContractTest}: takes a running domain as a primary,
 * captures it so many times, and lets it go.
 */
final class XenDomainCaptures {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final long PAUSE_MILLIS = 30;

  private XenDomainCaptures() {}

  /**
   * @param arguments the domain's name, and how many captures
   */
  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createTempDirectory(Path.of("/run"), "captures");
    int states = 0;
    int count = Integer.parseInt(arguments[1]);
    try (Arena arena = Arena.ofShared();
        XenGuest guest = new XenGuest(arguments[0], folder, PATIENCE)) {
      var replica = new RecordedPages(arena, guest.primary().memoryMap().backingSizeBytes());
      guest.primary().seed(replica);
      for (int capture = 0; capture < count; capture++) {
        states += guest.primary().capture(replica, () -> {}).machine().get().state().version();
        Thread.sleep(PAUSE_MILLIS);
      }
    }
    System.out.println("captured " + states / MachineState.VERSION);
  }
}

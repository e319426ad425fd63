package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spare VMM processes on this machine's KVM. */
@Timeout(120)
class VmmSpareTest {
  @TempDir Path folder;

  @Test
  void aGuestRunsInASpareProcessWhoseLogMovesWithIt() throws Exception {
    try (BareMetalGuest guest = new BareMetalGuest(1);
        VmmSpare spare = VmmSpare.start(folder.resolve("spare.log"))) {
      VmmStandby standby = guest.standby();
      standby.startFrom(spare);
      assertThat(standby.process()).isPresent();
      long process = standby.process().orElseThrow().pid();
      assertThat(folder.resolve("spare.log")).doesNotExist();
      standby.prepare(guest.memory, 1);
      assertThat(standby.process().orElseThrow().pid()).isEqualTo(process);
      guest.guest.writeTo(standby.memory());
      standby.validate(guest.state, true);
      standby.activate(guest.state);
      guest.awaitGenerations(standby.memory(), 1);

      assertThat(spare.use(List.of(), folder.resolve("other.sock"), folder.resolve("other.log")))
          .as("it is used already")
          .isEmpty();
      spare.close();
      assertThat(standby.process().orElseThrow().isAlive()).as("in use").isTrue();
    }
  }

  @Test
  void anUnusedSpareEndsAndADeadOneIsNotUsed() throws Exception {
    try (BareMetalGuest guest = new BareMetalGuest(1)) {
      VmmSpare spare = VmmSpare.start(folder.resolve("spare.log"));
      spare.close();
      spare.close();
      for (int i = 0; i < 200 && ProcessHandle.current().children().anyMatch(this::isOurs); i++) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
      assertThat(ProcessHandle.current().children().noneMatch(this::isOurs)).isTrue();
      VmmStandby standby = guest.standby();
      standby.startFrom(spare);
      assertThat(standby.process()).as("started when prepared instead").isEmpty();
      standby.prepare(guest.memory, 1);
      assertThat(Files.exists(standby.socket())).isTrue();
    }
  }

  private boolean isOurs(ProcessHandle process) {
    return process.info().commandLine().orElse("").contains("--spare");
  }
}

package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.ProcessPriority;
import dev.here.testkit.NiceValue;
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
      standby.validate(BareMetalGuest.encoded(guest.state));
      standby.activate(BareMetalGuest.encoded(guest.state));
      guest.awaitGenerations(standby.memory(), 1);

      assertThat(spare.use(List.of(), folder.resolve("other.sock"), folder.resolve("other.log")))
          .as("it is used already")
          .isEmpty();
      spare.close();
      assertThat(standby.process().orElseThrow().isAlive()).as("in use").isTrue();
    }
  }

  @Test
  void givesWayUntilItIsUsed() throws Exception {
    try (BareMetalGuest guest = new BareMetalGuest(1);
        VmmSpare spare = VmmSpare.start(folder.resolve("spare.log"))) {
      // setsid(1), the shell and nice(1) come before Java, each with one thread.
      long pid = 0;
      for (int i = 0; i < 400 && (pid == 0 || NiceValue.ofThreads(pid).size() < 8); i++) {
        TimeUnit.MILLISECONDS.sleep(50);
        pid =
            ProcessHandle.current()
                .children()
                .filter(this::isOurs)
                .findFirst()
                .map(ProcessHandle::pid)
                .orElse(0L);
      }
      int lowered = ProcessPriority.mayRestore() ? ProcessPriority.LOWEST : 0;
      assertThat(NiceValue.ofThreads(pid)).containsOnly(lowered);
      VmmStandby standby = guest.standby();
      standby.startFrom(spare);
      assertThat(standby.process().orElseThrow().pid()).isEqualTo(pid);
      assertThat(NiceValue.ofThreads(pid)).containsOnly(0);
      Path autogroup = Path.of("/proc/%d/autogroup".formatted(pid));
      if (Files.exists(autogroup)) {
        assertThat(Files.readString(autogroup)).contains("nice 0");
      }
    }
  }

  @Test
  void hasTheUsualPriorityAlsoWhenItIsUsedBeforeItHasStarted() throws Exception {
    try (BareMetalGuest guest = new BareMetalGuest(1);
        VmmSpare spare = VmmSpare.start(folder.resolve("spare.log"))) {
      VmmStandby standby = guest.standby();
      standby.startFrom(spare);
      standby.prepare(guest.memory, 1);
      assertThat(NiceValue.ofThreads(standby.process().orElseThrow().pid())).containsOnly(0);
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

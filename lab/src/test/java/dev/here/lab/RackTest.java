package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RackTest {

  /** Starts a rack with a process in it, says the process ids, and stays. */
  static final class Starter {
    private Starter() {}

    public static void main(String[] arguments) throws InterruptedException {
      Rack rack = Rack.start(false, Path.of(arguments[0]));
      HostNetwork.build(rack);
      HostNetwork.plug(rack, "kvm-a");
      Process sleeper = rack.start(List.of("sleep", "1000"), Path.of(arguments[0], "log"));
      Tool.pause(300);
      long inner = sleeper.children().findFirst().orElseThrow().pid();
      System.out.println(rack.pid() + " " + inner + " " + sleeper.pid());
      TimeUnit.HOURS.sleep(1);
    }
  }

  @Test
  void hasNetworksOfItsOwn(@TempDir Path folder) {
    LabRequirements.assumeRack();
    try (Rack rack = Rack.start(false, folder)) {
      HostNetwork.build(rack);
      HostNetwork.plug(rack, "kvm-a");
      assertThat(rack.run("ip", "-o", "link"))
          .contains("kvm-a-data", "kvm-a-repl", "kvm-a-ctl")
          .doesNotContain("eth0");
      assertThat(Tool.run("ip", "-o", "link")).doesNotContain("kvm-a-");
    }
  }

  @Test
  void closingEndsItsProcesses(@TempDir Path folder) throws InterruptedException {
    LabRequirements.assumeRack();
    Process sleeper;
    try (Rack rack = Rack.start(false, folder)) {
      sleeper = rack.start(List.of("sleep", "1000"), folder.resolve("log"));
    }
    assertThat(sleeper.waitFor(10, TimeUnit.SECONDS)).isTrue();
  }

  /** Such as a host that was made to hang. */
  @Test
  void closingEndsAProcessThatWasStopped(@TempDir Path folder) throws Exception {
    LabRequirements.assumeRack();
    Process sleeper;
    try (Rack rack = Rack.start(false, folder)) {
      Path pid = folder.resolve("pid");
      sleeper =
          rack.startStoppable(
              List.of("sh", "-c", "echo $$ >" + pid + "; exec sleep 1000"), folder.resolve("log"));
      while (!Files.exists(pid) || Files.size(pid) == 0) {
        Tool.pause(10);
      }
      rack.run("kill", "-STOP", Files.readString(pid).strip());
      Tool.pause(200);
      assertThat(Tool.run("ps", "-o", "stat=", "-p", Long.toString(sleeper.pid())))
          .as("what stands before it")
          .doesNotContain("T");
    }
    assertThat(sleeper.waitFor(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aKilledStarterLeavesNothing(@TempDir Path folder) throws IOException {
    LabRequirements.assumeRack();
    Process starter =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Starter.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader lines = starter.inputReader(StandardCharsets.UTF_8)) {
      String[] pids = String.valueOf(lines.readLine()).split(" ", -1);
      assertThat(pids).hasSize(3);
      for (String pid : pids) {
        assertThat(ProcessHandle.of(Long.parseLong(pid))).isPresent();
      }
      starter.destroyForcibly();
      for (String pid : pids) {
        ProcessHandle.of(Long.parseLong(pid))
            .ifPresent(p -> p.onExit().orTimeout(20, TimeUnit.SECONDS).join());
      }
    } finally {
      starter.destroyForcibly();
    }
    assertThat(Tool.run("ip", "-o", "link")).doesNotContain("kvm-a-");
    assertThat(Tool.run("mount")).doesNotContain(folder.toString());
  }
}

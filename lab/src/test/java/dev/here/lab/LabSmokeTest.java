package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Boots virtual hosts from the cached image and a guest in one of them. */
@Tag("lab")
class LabSmokeTest {

  @Test
  void hostsRunCommandsAndGuestsAndFeelFaults(@TempDir Path folder) throws IOException {
    LabRequirements.assumeLab();
    Path application = Files.writeString(folder.resolve("here.txt"), "content");
    try (Lab lab = Lab.up(LabPlan.pair(List.of(application)), System.err::println)) {
      ExecResult result = lab.exec("kvm-a", "cat /opt/here/lib/*here.txt; echo oops >&2; exit 3");
      assertThat(result).isEqualTo(new ExecResult(3, "content", "oops\n"));
      assertThat(lab.exec("kvm-b", "test -c /dev/kvm && hostname").success()).isEqualTo("kvm-b");

      Path large = Files.write(folder.resolve("large"), new byte[3_000_000]);
      lab.push("kvm-b", large, "/root/large file");
      lab.pull("kvm-b", "/root/large file", folder.resolve("back"));
      assertThat(folder.resolve("back")).hasSameBinaryContentAs(large);

      kernelLoadsWhatAFrameGateIsMadeOf(lab);
      partitionCutsOnlyHostFromHost(lab);
      guestServesAClient(lab);

      lab.fault("kvm-b", LabFault.POWER);
      assertThat(lab.status().hosts().get(1).state()).isEqualTo("off");
      lab.fault("kvm-b", LabFault.HEAL);
      assertThat(lab.status().hosts().get(1).state()).isEqualTo("up");
    }
  }

  /** Starts a lab with one host, says its first process and its folder, and stays. */
  static final class Starter {
    private Starter() {}

    public static void main(String[] arguments) throws InterruptedException {
      LabPlan plan = LabPlan.of(List.of("kvm-a"), List.of());
      LabStatus status = Lab.up(plan, System.err::println).status();
      System.out.println(status.rackPid() + " " + status.folder());
      TimeUnit.HOURS.sleep(1);
    }
  }

  @Test
  void aKilledStarterLeavesNoHost() throws IOException {
    LabRequirements.assumeLab();
    Process starter =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Starter.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader lines = starter.inputReader(StandardCharsets.UTF_8)) {
      String[] words = String.valueOf(lines.readLine()).split(" ", -1);
      assertThat(words).hasSize(2);
      assertThat(processesNaming(words[1])).isNotEmpty();
      starter.destroyForcibly();
      ProcessHandle.of(Long.parseLong(words[0]))
          .ifPresent(rack -> rack.onExit().orTimeout(20, TimeUnit.SECONDS).join());
      for (ProcessHandle process : processesNaming(words[1])) {
        process.onExit().orTimeout(20, TimeUnit.SECONDS).join();
      }
      assertThat(processesNaming(words[1])).isEmpty();
      assertThat(Tool.run("mount")).doesNotContain(words[1]);
    } finally {
      starter.destroyForcibly();
    }
  }

  private static List<ProcessHandle> processesNaming(String folder) {
    return ProcessHandle.allProcesses()
        .filter(p -> p.info().commandLine().filter(line -> line.contains(folder)).isPresent())
        .toList();
  }

  /** Nothing loads these modules but the kernel itself, when netlink names what they are for. */
  private static void kernelLoadsWhatAFrameGateIsMadeOf(Lab lab) {
    String script =
        """
        set -e
        ip tuntap add port mode tap
        ip link add gate type ifb
        ip link set port up
        ip link set gate up
        tc qdisc add dev port clsact
        tc filter add dev port ingress matchall action mirred egress redirect dev gate
        tc filter add dev port ingress pref 9 u32 match u32 0 0 action mirred egress redirect dev gate
        tc qdisc add dev gate root plug
        tc qdisc replace dev gate root tbf rate 1kbit burst 1540 limit 100000
        ip link add link port name port.5 type vlan id 5
        ip link set br0 type bridge vlan_filtering 1
        ip link set port master br0
        bridge vlan add dev port vid 100 pvid untagged
        ls /sys/class/net
        bridge vlan show dev port
        ip link set br0 type bridge vlan_filtering 0
        ip link del port
        ip link del gate
        """;
    String seen = lab.exec("kvm-a", script).success();
    // One ifb, and not the two that the module makes by itself.
    assertThat(seen).contains("port.5", "100 PVID Egress Untagged").doesNotContain("ifb");
  }

  private static void partitionCutsOnlyHostFromHost(Lab lab) {
    lab.fault("kvm-a", LabFault.PARTITION);
    assertThat(lab.exec("kvm-a", "ping -c1 -W2 kvm-b").exitCode()).isNotZero();
    assertThat(lab.exec("kvm-a", "ping -c1 -W5 witness").exitCode()).isZero();
    lab.fault("kvm-a", LabFault.HEAL);
    assertThat(lab.exec("kvm-a", "ping -c3 -W5 kvm-b").exitCode()).isZero();
  }

  private static void guestServesAClient(Lab lab) {
    lab.startGuest("kvm-a", LabGuest.demo(1));
    try (LabClient client = lab.client("10.88.0.50", 10, 60_000)) {
      assertThat(client.ask("disk").join()).startsWith("disk 16777216 ");
      while (client.progress().isEmpty()) {
        Tool.pause(50);
      }
      CounterSummary summary = client.finish();
      assertThat(summary.failure()).isEmpty();
      assertThat(summary.requests()).isPositive();
      assertThat(summary.lost() + summary.repeated()).isZero();
      assertThat(summary.guestUptimeContinuous()).isTrue();
    }
  }
}

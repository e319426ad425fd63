package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

      partitionCutsOnlyHostFromHost(lab);
      guestServesAClient(lab);

      lab.fault("kvm-b", LabFault.POWER);
      assertThat(lab.status().hosts().get(1).state()).isEqualTo("off");
      lab.fault("kvm-b", LabFault.HEAL);
      assertThat(lab.status().hosts().get(1).state()).isEqualTo("up");
    }
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

package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.lab.CounterSummary;
import dev.here.lab.Lab;
import dev.here.lab.LabClient;
import dev.here.lab.LabPlan;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Debian's kernel, as Debian ships it, in HERE's own VMM on a virtual host's KVM. */
@Tag("lab")
class LinuxInOurVmmTest {
  private static final String HOST = "kvm-a";
  private static final String GUEST = "10.88.0.50";
  private static final String HERE = "here-java dev.here.cli.Here vm ";
  private static final String DEVICES =
      " --nic tap=vtap1,mac=52:54:00:12:34:56 --disk /opt/guest/disk.img,readonly ";

  @Test
  void bootsServesAndGoesOnFromACheckpoint() throws Exception {
    assumeTrue("1".equals(System.getenv("HERE_LAB")), "set HERE_LAB=1 to boot virtual hosts");
    int cpus = LabPlan.pair(List.of()).cpus();
    LabPlan plan = new LabPlan(List.of(HOST), 2048, cpus, HereProgram.jars());
    try (Lab lab = Lab.up(plan, System.err::println)) {
      lab.exec(HOST, "ip tuntap add vtap1 mode tap vnet_hdr; ip link set vtap1 master br0 up")
          .success();
      lab.exec(
              HOST,
              HERE
                  + "run --kernel /opt/guest/vmlinuz --initrd /opt/guest/initrd.cpio"
                  + " --append 'console=ttyS0 here.ip=10.88.0.50/24' --memory 256 --vcpus 1"
                  + DEVICES
                  + "; for i in $(seq 900); do"
                  + " grep -qs 'GUEST READY' /run/here/vm/vm.console && exit 0; sleep 0.2; done;"
                  + " cat /run/here/vm/vm.log; tail -n 5 /run/here/vm/vm.console; exit 1")
          .success();
      try (LabClient client = lab.client(GUEST, 100, 120_000)) {
        GuestClock before = GuestClock.parse(ask(client, "clock"));
        String disk = ask(client, "disk");
        assertThat(disk).doesNotContain("error");
        lab.exec(HOST, "cd /run && " + HERE + "save guest.checkpoint --stop").success();
        lab.exec(HOST, "cd /run && " + HERE + "restore guest.checkpoint" + DEVICES).success();
        GuestClock after = GuestClock.parse(ask(client, "clock"));
        assertThat(after.follows(before)).as("%s, then %s", before, after).isTrue();
        assertThat(ask(client, "disk")).isEqualTo(disk);
        assertThat(ask(client, "journal")).endsWith(" ok");
        CounterSummary counted = client.finish();
        assertThat(counted.requests()).isPositive();
        assertThat(counted.lost()).isZero();
        assertThat(counted.repeated()).isZero();
        assertThat(counted.connectionKept()).isTrue();
        assertThat(counted.guestUptimeContinuous()).isTrue();
      }
    }
  }

  private static String ask(LabClient client, String request) throws Exception {
    return client.ask(request).get(120, TimeUnit.SECONDS);
  }
}

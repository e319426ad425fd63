package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.lab.ExecResult;
import dev.here.lab.Lab;
import dev.here.lab.LabGuest;
import dev.here.lab.LabPlan;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The contract of drivers, kept with a Linux guest on a Xen host of the lab. */
@Tag("lab")
class XenContractTest {
  private static final String HOST = "xen";

  @Test
  void aDomainKeepsTheContractOfPrimaries() {
    LabGuest guest = LabGuest.demo(1);
    try (Lab lab = up(guest)) {
      lab.exec(HOST, "xl save %s %s".formatted(guest.name(), XenDomainContract.SAVED)).success();
      assertThat(run(lab, XenDomainContract.Run.class.getName())).contains("tests successful");
    }
  }

  private static Lab up(LabGuest guest) {
    assumeTrue("1".equals(System.getenv("HERE_LAB")), "set HERE_LAB=1 to boot virtual hosts");
    LabPlan plan = LabPlan.of(List.of(HOST), HereProgram.jars()).withGuest(HOST, guest);
    return Lab.up(plan, System.err::println);
  }

  private static String run(Lab lab, String words) {
    ExecResult result =
        lab.exec(HOST, "cd /run && here-java '%s'".formatted(words.replace(" ", "' '")));
    assertThat(result.exitCode()).as(result.output() + result.errors()).isZero();
    return result.output();
  }
}

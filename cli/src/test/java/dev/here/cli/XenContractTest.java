package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.lab.ExecResult;
import dev.here.lab.Lab;
import dev.here.lab.LabClient;
import dev.here.lab.LabGuest;
import dev.here.lab.LabPlan;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The contract of drivers, kept with a Linux guest on a Xen host of the lab. */
@Tag("lab")
class XenContractTest {
  private static final String HOST = "xen";

  private static final int CAPTURES = 40;
  private static final Pattern LINE = Pattern.compile("port ([0-9]+)\\s*$");

  @Test
  void aDomainKeepsTheContractOfPrimaries() {
    assumeTrue(
        "1".equals(System.getenv("HERE_LAB_FULL")),
        "it takes two minutes: ./here test --lab-full runs it");
    LabGuest guest = LabGuest.demo(1);
    try (Lab lab = up(guest)) {
      lab.exec(HOST, "xl save %s %s".formatted(guest.name(), XenDomainContract.SAVED)).success();
      assertThat(run(lab, ContractRun.class.getName() + " " + XenDomainContract.class.getName()))
          .contains("tests successful");
    }
  }

  /** Each write to a port of the device model has a side effect: a character in a file. */
  @Test
  void writesToPortsCountOnceHoweverOftenTheDomainIsCaptured() {
    LabGuest guest = LabGuest.demo(1);
    try (Lab lab = up(guest);
        LabClient client = lab.client(guest.address(), 1000, 60_000)) {
      GuestAnswer.await(client.ask("ports start"), "ports start");
      assertThat(run(lab, XenDomainCaptures.class.getName() + " demo " + CAPTURES))
          .contains("captured " + CAPTURES);
      long written =
          Long.parseLong(
              GuestAnswer.await(client.ask("ports stop"), "ports stop").split(" ", -1)[1]);
      assertThat(written).isGreaterThan(CAPTURES);
      List<Long> lines =
          lab.exec(HOST, "cat " + guest.consoleLog())
              .output()
              .lines()
              .map(LINE::matcher)
              .filter(Matcher::find)
              .map(line -> Long.parseLong(line.group(1)))
              .toList();
      assertThat(lines)
          .containsExactlyElementsOf(LongStream.rangeClosed(1, written).boxed().toList());
      client.finish();
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

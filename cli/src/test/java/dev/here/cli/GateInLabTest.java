package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.lab.ExecResult;
import dev.here.lab.Lab;
import dev.here.lab.LabPlan;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The gate's contract on Debian's kernel, which has a plug: on a host of the lab. */
@Tag("lab")
class GateInLabTest {
  private static final String HOST = "kvm";

  @Test
  void aPlugKeepsTheContract() {
    assumeTrue("1".equals(System.getenv("HERE_LAB")), "set HERE_LAB=1 to boot virtual hosts");
    try (Lab lab = Lab.up(LabPlan.of(List.of(HOST), HereProgram.jars()), System.err::println)) {
      String words =
          "cd /run && here-java %s %s here.gate=plug"
              .formatted(ContractRun.class.getName(), GateContract.class.getName());
      ExecResult result = lab.exec(HOST, words);
      assertThat(result.exitCode()).as(result.output() + result.errors()).isZero();
      assertThat(result.output()).contains("tests successful");
    }
  }
}

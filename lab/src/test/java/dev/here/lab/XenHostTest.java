package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A Xen host from its saved state, with a guest that was running when the state was saved. */
@Tag("lab")
class XenHostTest {
  private static final String HOST = "xen";

  @Test
  void aDomainGoesOnFromASavedStateAndFeelsItsDeviceModelsFaults() {
    LabRequirements.assumeLab();
    LabPlan plan = LabPlan.of(List.of(HOST), List.of()).withGuest(HOST, LabGuest.demo(1));
    try (Lab lab = Lab.up(plan, System.err::println)) {
      HostStatus status = lab.status().hosts().getFirst();
      assertThat(status.state()).isEqualTo("up");
      assertThat(status.tscKilohertz()).isPositive();
      assertThat(lab.exec(HOST, "xl domid demo").success()).isNotEmpty();
      guestAnswers(lab);

      lab.fault(HOST, LabFault.DM_HANG);
      assertThat(stateOfDeviceModel(lab)).isEqualTo("T");
      lab.fault(HOST, LabFault.HEAL);
      assertThat(stateOfDeviceModel(lab)).isNotEqualTo("T");
      guestAnswers(lab);

      lab.fault(HOST, LabFault.DM_CRASH);
      assertThatThrownBy(() -> lab.fault(HOST, LabFault.DM_CRASH))
          .isInstanceOf(LabException.class)
          .hasMessageContaining("no guest");

      lab.fault(HOST, LabFault.POWER);
      assertThat(lab.status().hosts().getFirst().state()).isEqualTo("off");
      lab.fault(HOST, LabFault.HEAL);
      guestAnswers(lab);
    }
  }

  private static String stateOfDeviceModel(Lab lab) {
    return lab.exec(HOST, "ps -o stat= -p $(%s)".formatted(HostRole.XEN.deviceModelsCommand()))
        .success()
        .strip()
        .substring(0, 1);
  }

  /** The guest counts on one connection, its clock goes forward, and its disk can be read. */
  private static void guestAnswers(Lab lab) {
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

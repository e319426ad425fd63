package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A Linux guest of stock Xen goes on under HERE's VMM, and comes back, in the lab. */
@Tag("lab")
class XenToKvmTest {
  private static final DemoVerdict.Minimum MINIMUM = new DemoVerdict.Minimum(10, 20);

  @Test
  void aGuestThatEndsItsDeviceModelGoesOnOnKvm() {
    assumeAskedFor("HERE_LAB", "the lab is not asked for: HERE_LAB=1 does");
    assertSurvives(Attack.CRASH, false);
  }

  @Test
  void aGuestGoesBackToXen() {
    assumeAskedFor("HERE_LAB_FULL", "this takes minutes: here test --lab-full does it");
    assertSurvives(Attack.KILL, true);
  }

  private static void assumeAskedFor(String variable, String remedy) {
    Assumptions.assumeTrue("1".equals(System.getenv(variable)), remedy);
  }

  private static void assertSurvives(Attack attack, boolean failback) {
    var course = new StringWriter();
    var screen = new DemoScreen(new PrintWriter(course, true), false);
    var options =
        new Demo.Options(DemoPair.XEN_KVM, attack, 1, false, false, true, MINIMUM, 0, failback);
    try {
      DemoFacts facts = Demo.run(options, screen);
      assertThat(DemoVerdict.problems(facts, MINIMUM)).as(course::toString).isEmpty();
    } catch (RuntimeException e) {
      throw new AssertionError(e.getMessage() + "\n" + course, e);
    }
  }
}

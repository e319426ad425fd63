package dev.here.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Runs a contract's tests in this process, on a lab's host; ends with 1 when it is broken. */
final class ContractRun {
  private ContractRun() {}

  /** Runs the tests of the class {@code arguments[0]}; the others are NAME=VALUE of properties. */
  public static void main(String[] arguments) {
    for (int at = 1; at < arguments.length; at++) {
      String[] property = arguments[at].split("=", 2);
      System.setProperty(property[0], property[1]);
    }
    var listener = new SummaryGeneratingListener();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(
        LauncherDiscoveryRequestBuilder.request()
            .selectors(DiscoverySelectors.selectClass(arguments[0]))
            .build(),
        listener);
    var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    listener.getSummary().printTo(out);
    listener.getSummary().printFailuresTo(out, 30);
    boolean kept =
        listener.getSummary().getTestsSucceededCount() > 0
            && listener.getSummary().getTotalFailureCount() == 0;
    System.exit(kept ? 0 : 1);
  }
}

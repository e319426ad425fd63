package dev.here.lab;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** What tests with real racks and hosts need; where it is missing they are skipped and say why. */
final class LabRequirements {
  private LabRequirements() {}

  /** Namespaces: root, and the tools that make them. */
  static void assumeRack() {
    assumeTrue(Tool.run("id", "-u").strip().equals("0"), "namespaces need root");
    assumeTrue(
        Tool.missing(LabPackages.PROGRAMS).isEmpty(), "the lab's programs are not installed");
  }

  /** Virtual hosts: minutes when the image is not cached, so only when asked for. */
  static void assumeLab() {
    assumeTrue("1".equals(System.getenv("HERE_LAB")), "set HERE_LAB=1 to boot virtual hosts");
    assumeRack();
  }
}

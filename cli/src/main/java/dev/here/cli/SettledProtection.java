package dev.here.cli;

/** Waits until the guest of a lab host is protected and its checkpoints follow each other. */
final class SettledProtection {
  private static final long POLL_MILLIS = 4000;

  private SettledProtection() {}

  /**
   * Returns when the host's first protection is safe and its keeper has taken {@code checkpoints}.
   *
   * @throws HereProgram.Refusal when protection ends, or after {@code seconds}
   */
  static void await(HostApiOverLab primary, long checkpoints, int seconds, DemoScreen screen) {
    Deadline deadline = new Deadline(seconds, "the guest is not protected");
    while (true) {
      ProtectionView view = primary.livingProtection();
      if (view.safe() && view.checkpoints() >= checkpoints) {
        return;
      }
      deadline.check(view.line());
      screen.live(view.line());
      Pauses.millis(POLL_MILLIS);
    }
  }
}

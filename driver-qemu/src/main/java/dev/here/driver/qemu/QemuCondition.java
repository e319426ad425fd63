package dev.here.driver.qemu;

/** How a QEMU is doing, each kind named as it is told to the user. */
public enum QemuCondition {
  /** It answers and its guest is meant to run. */
  RUNNING("runs"),
  /** It answers and its guest is meant to stand still. */
  PAUSED("paused"),
  /** It answers, but its guest cannot go on: KVM failed, or the guest shut down or panicked. */
  GUEST_FAILED("guest failed"),
  /** A signal stopped the process. */
  STOPPED_BY_SIGNAL("hang: the process is stopped by a signal"),
  /** The process lives but does not answer. */
  SILENT("hang: the process does not answer"),
  /** The process has ended. */
  ENDED("crash: the process has ended");

  private final String text;

  QemuCondition(String text) {
    this.text = text;
  }

  /** A few words for the user. */
  public String text() {
    return text;
  }

  /** It neither answers nor runs its guest. */
  public boolean isDead() {
    return switch (this) {
      case RUNNING, PAUSED -> false;
      case GUEST_FAILED, STOPPED_BY_SIGNAL, SILENT, ENDED -> true;
    };
  }
}

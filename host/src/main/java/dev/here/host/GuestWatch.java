package dev.here.host;

import dev.here.driver.vmm.VmmProgress;
import dev.here.driver.xen.XenProgress;
import dev.here.hypervisor.GuestProgress;

/** Sees how a guest gets on that an earlier daemon has started. */
interface GuestWatch extends AutoCloseable {
  /** Its progress; what does not answer in time is not alive. */
  GuestProgress ask(long timeoutNanos);

  @Override
  void close();

  /**
   * Watches a guest.
   *
   * @param vm as {@link ReplicaMachine#vm} names it
   */
  static GuestWatch of(String vm) {
    return switch (GuestReference.parse(vm)) {
      case GuestReference.Domain domain -> of(new XenProgress(domain.name()));
      case GuestReference.Vmm own -> of(new VmmProgress(own.socket()));
      // A plain path is the control socket of a VMM here: no daemon takes a guest over into QEMU.
      case GuestReference.Qemu own -> of(new VmmProgress(own.socket()));
    };
  }

  private static GuestWatch of(XenProgress progress) {
    return new GuestWatch() {
      @Override
      public GuestProgress ask(long timeoutNanos) {
        return progress.ask();
      }

      @Override
      public void close() {}
    };
  }

  private static GuestWatch of(VmmProgress progress) {
    return new GuestWatch() {
      @Override
      public GuestProgress ask(long timeoutNanos) {
        return progress.ask(timeoutNanos);
      }

      @Override
      public void close() {
        progress.close();
      }
    };
  }
}

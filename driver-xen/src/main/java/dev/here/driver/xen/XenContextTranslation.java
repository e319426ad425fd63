package dev.here.driver.xen;

import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuStreamException;
import dev.here.formats.qemu.VmStateReader;
import dev.here.formats.xen.HvmContext;
import dev.here.formats.xen.XenFormatException;
import dev.here.formats.xen.XenGuestFacts;
import dev.here.formats.xen.XenMachineTranslator;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.HypervisorException;

/**
 * Makes machine states of a domain's context and its device model's state. One thread at a time.
 */
final class XenContextTranslation {
  private final XenMachineTranslator translator;

  XenContextTranslation(XenGuestFacts facts) {
    translator = new XenMachineTranslator(facts);
  }

  /**
   * Translates.
   *
   * @param context the hypervisor's save records
   * @param devices the device model's saved state
   * @param realtimeNanos wall clock when the guest stood still, since 1970
   * @param monotonicNanos monotonic clock at the same instant
   */
  Capture.Translation translate(
      byte[] context, byte[] devices, long realtimeNanos, long monotonicNanos) {
    try {
      XenMachineTranslator.Translation translation =
          translator.translate(
              HvmContext.decode(context),
              VmStateReader.readDevices(devices),
              new QemuCaptureInstant(realtimeNanos, monotonicNanos));
      return new Capture.Translation(translation.state(), translation.report());
    } catch (XenFormatException | QemuStreamException e) {
      throw new HypervisorException(
          "the state of the domain cannot be understood: " + e.getMessage(), e);
    }
  }
}

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
import dev.here.machine.MachineState;
import dev.here.machine.PlatformOrigin;
import java.util.Optional;

/**
 * Makes machine states of a domain's context and its device model's state. One thread at a time.
 */
final class XenContextTranslation {
  private final XenMachineTranslator translator;
  private final XenOriginSource source;
  private Optional<PlatformOrigin> origin = Optional.empty();

  /**
   * @param source what the domain leaves behind; of its device model's states the first that is
   *     translated stays with the guest, later ones differ in what the machine state has
   */
  XenContextTranslation(XenGuestFacts facts, XenOriginSource source) {
    translator = new XenMachineTranslator(facts);
    this.source = source;
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
      PlatformOrigin left = origin.orElseGet(() -> source.with(devices).pack());
      origin = Optional.of(left);
      MachineState state = translation.state();
      return new Capture.Translation(state.on(state.platform().from(left)), translation.report());
    } catch (XenFormatException | QemuStreamException e) {
      throw new HypervisorException(
          "the state of the domain cannot be understood: " + e.getMessage(), e);
    }
  }
}

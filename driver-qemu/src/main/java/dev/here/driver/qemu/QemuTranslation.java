package dev.here.driver.qemu;

import dev.here.formats.qemu.MigrationStream;
import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.formats.qemu.QemuMachineTranslator;
import dev.here.formats.qemu.QemuMemoryLayout;
import dev.here.formats.qemu.VmStateReader;
import dev.here.formats.qemu.VmStateSchema;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.HypervisorException;

/** Makes machine states of QEMU's device states with the guest's facts. One thread at a time. */
public final class QemuTranslation implements ColoTranslation {
  private final QemuGuestFacts facts;

  /**
   * @param facts what {@link QemuFacts#collect} found
   */
  public QemuTranslation(QemuGuestFacts facts) {
    this.facts = facts;
  }

  @Override
  public Capture.Translation translate(
      MigrationStream initial, byte[] deviceState, long realtimeNanos, long monotonicNanos) {
    VmStateSchema schema =
        initial
            .schema()
            .orElseThrow(() ->
                new HypervisorException(
                    "QEMU's stream has no description of its device state: start it without"
                        + " suppress-vmdesc"));
    var translator =
        new QemuMachineTranslator(
            facts, QemuMemoryLayout.of(initial.ramBlocks(), facts.addresses()));
    QemuMachineTranslator.Translation translation =
        translator.translate(
            VmStateReader.read(schema, deviceState),
            new QemuCaptureInstant(realtimeNanos, monotonicNanos));
    return new Capture.Translation(translation.state(), translation.report());
  }
}

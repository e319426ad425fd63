package dev.here.driver.qemu;

import dev.here.formats.qemu.DecodedSections;
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
  private DecodedSections last = DecodedSections.none();

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
    DecodedSections earlier = last;
    // What a failed attempt has left of it is not used again.
    last = DecodedSections.none();
    DecodedSections sections = VmStateReader.readNext(schema, deviceState, earlier);
    QemuMachineTranslator.Translation translation =
        translator.translate(
            sections.state(), new QemuCaptureInstant(realtimeNanos, monotonicNanos));
    last = sections;
    return new Capture.Translation(translation.state(), translation.report());
  }
}

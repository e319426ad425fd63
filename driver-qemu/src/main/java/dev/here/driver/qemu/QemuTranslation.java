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
import dev.here.machine.LostField;
import dev.here.machine.TranslationReport;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes machine states of QEMU's device states with the guest's facts. What is left behind is
 * looked for in the first of a connection, and told in the log: to look takes as long as to
 * translate, and it is the same fields each time. One thread at a time.
 */
public final class QemuTranslation implements ColoTranslation {
  private static final Logger LOG = LoggerFactory.getLogger(QemuTranslation.class);

  private final QemuGuestFacts facts;
  private Optional<Connected> connected = Optional.empty();

  /**
   * @param facts what {@link QemuFacts#collect} found
   */
  public QemuTranslation(QemuGuestFacts facts) {
    this.facts = facts;
  }

  @Override
  public Capture.Translation translate(
      MigrationStream initial, byte[] deviceState, long realtimeNanos, long monotonicNanos) {
    Connected connection =
        connected
            .filter(known -> known.isOf(initial))
            .orElseGet(() -> new Connected(initial, facts));
    // What a failed attempt has left of it is not used again.
    connected = Optional.empty();
    Capture.Translation translation =
        connection.translate(deviceState, new QemuCaptureInstant(realtimeNanos, monotonicNanos));
    connected = Optional.of(connection);
    return translation;
  }

  /** The states that came on one connection, each made with what is known of the one before. */
  private static final class Connected {
    private final MigrationStream initial;
    private final VmStateSchema schema;
    private final QemuMachineTranslator translator;
    private DecodedSections last = DecodedSections.none();
    private Optional<TranslationReport> report = Optional.empty();

    Connected(MigrationStream initial, QemuGuestFacts facts) {
      this.initial = initial;
      schema =
          initial
              .schema()
              .orElseThrow(() ->
                  new HypervisorException(
                      "QEMU's stream has no description of its device state: start it without"
                          + " suppress-vmdesc"));
      translator =
          new QemuMachineTranslator(
              facts, QemuMemoryLayout.of(initial.ramBlocks(), facts.addresses()));
    }

    @SuppressWarnings("ReferenceEquality")
    boolean isOf(MigrationStream stream) {
      return initial == stream;
    }

    Capture.Translation translate(byte[] deviceState, QemuCaptureInstant instant) {
      last = VmStateReader.readNext(schema, deviceState, last);
      if (report.isPresent()) {
        return new Capture.Translation(translator.machine(last.state(), instant), report.get());
      }
      QemuMachineTranslator.Translation first = translator.translate(last.state(), instant);
      report = Optional.of(first.report());
      for (LostField field : first.report().lost()) {
        LOG.info("{} ({}) is left behind: {}", field.path(), field.value(), field.reason());
      }
      return new Capture.Translation(first.state(), first.report());
    }
  }
}

package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.MachineState;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QemuMigrationFileTest {
  @TempDir Path folder;

  private Path saved() throws IOException {
    return Files.write(folder.resolve("saved"), Golden.stream("kvm-2cpu"));
  }

  @Test
  void aSavedGuestIsBroughtInWhole() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      var file = QemuMigrationFile.read(saved(), arena, 1L << 30);
      MachineState machine = translate(file, Golden.text("kvm-2cpu.cpuid")).state();

      assertThat(file.memory().byteSize()).isEqualTo(machine.memory().backingSizeBytes());
      // The first page of pc.ram begins with the real-mode interrupt vectors of the BIOS.
      assertThat(file.memory().get(ValueLayout.JAVA_INT, 0)).isEqualTo(0xf000ff53);
      assertThat(machine.vcpus()).extracting(vcpu -> vcpu.apicId()).containsExactly(0, 1);
      assertThat(machine.virtio())
          .allMatch(device -> device.offeredFeatures() == device.negotiatedFeatures());
      assertThat(machine.platform().machineType()).isEqualTo("pc-i440fx-7.2");
    }
  }

  @Test
  void refusesALargerGuestAndBadTexts() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      Path saved = saved();
      assertThatThrownBy(() -> QemuMigrationFile.read(saved, arena, 1 << 20))
          .isInstanceOf(QemuStreamException.class)
          .hasMessageContaining("is more than 1048576");
      var file = QemuMigrationFile.read(saved, arena, 1L << 30);
      assertThatThrownBy(() -> translate(file, "0 00000001 00 0 0 0 0"))
          .isInstanceOf(QemuStreamException.class)
          .hasMessageContaining("no CPUID of vCPU 1");
      assertThatThrownBy(() -> translate(file, "zero"))
          .isInstanceOf(QemuStreamException.class)
          .hasMessageContaining("'zero'");
    }
  }

  private static QemuMachineTranslator.Translation translate(QemuMigrationFile file, String cpuid) {
    return file.translate(
        "guest",
        Golden.text("kvm-2cpu.mtree"),
        Golden.text("kvm-2cpu.pci"),
        cpuid,
        GoldenFacts.INSTANT);
  }
}

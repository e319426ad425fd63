package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AcpiTablesTest {
  @Test
  void everyTableIsReachedAndSumsToZero() {
    try (FakeMachine machine = new FakeMachine()) {
      GuestMemory memory = machine.memory;
      AcpiTables.write(
          memory,
          List.of(0, 1),
          IoApic.powerOn(0, 24),
          AcpiPm.powerOn(),
          Hpet.powerOn(),
          FakeMachine.RAM_BYTES);
      assertThat(text(memory, AcpiTables.RSDP_GPA, 8)).isEqualTo("RSD PTR ");
      assertThat(sum(memory, AcpiTables.RSDP_GPA, 20)).isZero();
      assertThat(sum(memory, AcpiTables.RSDP_GPA, 36)).isZero();
      long wide = memory.u64(AcpiTables.RSDP_GPA + 24);
      assertThat(text(memory, wide, 4)).isEqualTo("XSDT");
      List<String> names = new ArrayList<>();
      for (int at = 36; at < memory.u32(wide + 4); at += 8) {
        long table = memory.u64(wide + at);
        names.add(text(memory, table, 4));
        assertThat(sum(memory, table, memory.u32(table + 4))).as(names.getLast()).isZero();
        if (names.getLast().equals("FACP")) {
          long dsdt = Integer.toUnsignedLong(memory.u32(table + 40));
          assertThat(text(memory, dsdt, 4)).isEqualTo("DSDT");
          assertThat(sum(memory, dsdt, memory.u32(dsdt + 4))).isZero();
        }
      }
      assertThat(sum(memory, wide, memory.u32(wide + 4))).isZero();
      assertThat(names).contains("FACP", "APIC", "HPET");
    }
  }

  private static String text(GuestMemory memory, long gpa, int length) {
    byte[] octets = new byte[length];
    for (int at = 0; at < length; at++) {
      octets[at] = (byte) memory.u8(gpa + at);
    }
    return new String(octets, StandardCharsets.US_ASCII);
  }

  private static int sum(GuestMemory memory, long gpa, int length) {
    int sum = 0;
    for (int at = 0; at < length; at++) {
      sum += memory.u8(gpa + at);
    }
    return sum & 0xff;
  }
}

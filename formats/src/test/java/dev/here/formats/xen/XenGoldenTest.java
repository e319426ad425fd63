package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.qemu.VmState;
import dev.here.formats.qemu.VmStateReader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a real Xen gave, against what its own xen-hvmctx says of it. */
class XenGoldenTest {
  private static final Pattern NUMBER = Pattern.compile("(?m)^\\s+pin (\\d+): 0x([0-9a-f]+)$");

  private final HvmContext context = XenGolden.context("hvm-1cpu");
  private final String said = XenGolden.text("hvm-1cpu.hvmctx.txt");

  @Test
  void contextIsWrittenBackToTheSameOctets() {
    assertThat(context.encode()).isEqualTo(XenGolden.octets("hvm-1cpu.hvmctx"));
  }

  @Test
  void processor() {
    HvmCpu cpu = context.require(HvmCpu.class, 0);
    assertThat(said)
        .contains(
            "rip 0x%016x  rflags 0x%016x".formatted(cpu.general().rip(), cpu.general().rflags()));
    assertThat(said)
        .contains(
            "rbp 0x%016x     rsi 0x%016x".formatted(cpu.general().rbp(), cpu.general().rsi()));
    assertThat(said).contains("cr3 0x%016x     cr4 0x%016x".formatted(cpu.cr3(), cpu.cr4()));
    assertThat(cpu.tsc()).isBetween(1L, said("            tsc 0x"));
    assertThat(said).contains("efer         0x%08x".formatted(cpu.msrs().efer()));
    assertThat(said)
        .contains(
            "tr 0x%04x (0x%016x +     0x%04x /  0x%04x)"
                .formatted(
                    cpu.segment("tr").selector(),
                    cpu.segment("tr").base(),
                    cpu.segment("tr").limit(),
                    cpu.segment("tr").attributes()));
    assertThat(said)
        .contains("gdtr        (0x%016x +     0x%04x)".formatted(cpu.gdtrBase(), cpu.gdtrLimit()));
  }

  @Test
  void chips() {
    HvmIoApic ioApic = context.require(HvmIoApic.class, 0);
    Matcher pins = NUMBER.matcher(said);
    int seen = 0;
    while (pins.find()) {
      assertThat(ioApic.redirtbl().get(Integer.parseInt(pins.group(1))))
          .isEqualTo(Long.parseUnsignedLong(pins.group(2), 16));
      seen++;
    }
    assertThat(seen).isEqualTo(48);
    HvmPmTimer timer = context.require(HvmPmTimer.class, 0);
    assertThat(timer.tmrVal()).isBetween(1L, said("TMR_VAL 0x"));
    assertThat(said)
        .contains("PM1a_STS 0x%x, PM1a_EN 0x%x".formatted(timer.pm1aSts(), timer.pm1aEn()));
    HvmPic slave = context.require(HvmPic.class, 1);
    assertThat(slave.irqBase()).isEqualTo(0x38);
    assertThat(slave.elcr()).isEqualTo(0x0c);
    assertThat(context.require(HvmHpet.class, 0).capability()).isEqualTo(0xf424008086a201L);
    assertThat(context.require(HvmLapic.class, 0).timerDivisor()).isEqualTo(16);
    assertThat(context.require(HvmMtrr.class, 0).capabilities()).isEqualTo(0x508);
  }

  @Test
  void deviceModelsStateIsReadToItsEnd() {
    VmState state = VmStateReader.readDevices(XenGolden.octets("hvm-1cpu.dmstate"));
    assertThat(state.sections())
        .extracting(VmState.Section::name)
        .contains(
            "PCIHost",
            "0000:00:01.3/piix4_pm",
            "0000:00:02.0/virtio-net",
            "0000:00:03.0/virtio-blk");
  }

  /** A number of the text. Counters went on until the text was made. */
  private long said(String before) {
    int at = said.indexOf(before) + before.length();
    return Long.parseUnsignedLong(said.substring(at).split("[^0-9a-f]")[0], 16);
  }
}

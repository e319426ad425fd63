package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What an IN has read gets into the accumulator as the processor would put it there. */
class HvmPortAnswerTest {
  private final byte[] context = XenGolden.octets("hvm-1cpu.hvmctx");

  @Test
  void narrowAnswersLeaveTheRestAndWideOnesClearTheUpperHalf() {
    long before = rax();
    new HvmPortAnswer(0, true, 1, 0xffff_ff5aL).completeIn(context);
    assertThat(rax()).isEqualTo(before & ~0xffL | 0x5a);
    new HvmPortAnswer(0, true, 2, 0x1234_5678L).completeIn(context);
    assertThat(rax()).isEqualTo(before & ~0xffffL | 0x5678);
    new HvmPortAnswer(0, true, 4, 0x1_8765_4321L).completeIn(context);
    assertThat(rax()).isEqualTo(0x8765_4321L);
  }

  @Test
  void whatWasWrittenChangesNothing() {
    byte[] before = context.clone();
    new HvmPortAnswer(0, false, 4, 7).completeIn(context);
    assertThat(context).isEqualTo(before);
  }

  @Test
  void aVcpuThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> new HvmPortAnswer(7, true, 4, 7).completeIn(context))
        .isInstanceOf(XenFormatException.class)
        .hasMessageContaining("vCPU 7");
  }

  private long rax() {
    return HvmContext.decode(context).records().stream()
        .filter(HvmCpu.class::isInstance)
        .map(HvmCpu.class::cast)
        .findFirst()
        .orElseThrow()
        .general()
        .rax();
  }
}

package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.net.KernelGates;
import dev.here.net.KernelGates.Queue;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorCommandTest {
  private static String doctor(String... options) {
    StringWriter text = new StringWriter();
    CommandLine line = Here.line("doctor").setOut(new PrintWriter(text));
    String[] words = new String[options.length + 1];
    words[0] = "doctor";
    System.arraycopy(options, 0, words, 1, options.length);
    assertThat(line.execute(words)).isZero();
    return text.toString();
  }

  @Test
  void saysWhetherFramesCanBeHeld() {
    assertThat(doctor().lines()).filteredOn(line -> line.matches("gate +(ok|NO) .+")).hasSize(1);
    assertThat(doctor("--json").lines())
        .filteredOn(line -> line.startsWith("{\"what\":\"gate\",\"good\":"))
        .hasSize(1);
  }

  @Test
  void namesWhatHoldsFrames() {
    DoctorCommand.Finding plug = DoctorCommand.gate(new KernelGates(Queue.PLUG, List.of()));
    assertThat(plug.good()).isTrue();
    assertThat(plug.detail()).contains("sch_plug");
    DoctorCommand.Finding buckets =
        DoctorCommand.gate(new KernelGates(Queue.TOKEN_BUCKETS, List.of()));
    assertThat(buckets.good()).isTrue();
    assertThat(buckets.detail()).contains("sch_tbf", "no sch_plug");
  }

  @Test
  void namesEveryModuleThatIsMissingAndWhereItIs() {
    DoctorCommand.Finding none =
        DoctorCommand.gate(new KernelGates(Queue.NONE, List.of("ifb", "sch_plug")));
    assertThat(none.good()).isFalse();
    assertThat(none.detail()).contains("no ifb, no sch_plug");
    assertThat(none.remedy()).contains("modprobe", "linux-image-amd64");
  }
}

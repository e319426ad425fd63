package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.state.CheckpointFile;
import dev.here.machine.TranslationReport;
import dev.here.testkit.SampleMachine;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ExportXenTest {
  @TempDir Path folder;

  @Test
  void aGuestThatXenHasNotStartedIsRefusedByName() throws Exception {
    Path checkpoint = folder.resolve("sample.ckpt");
    CheckpointFile.write(checkpoint, SampleMachine.state(1, 1, 16), TranslationReport.COMPLETE);
    var said = new StringWriter();
    var command = new CommandLine(new StateCommand());
    command.setErr(new PrintWriter(said, true));
    Path stream = folder.resolve("sample.xlsave");
    int code = command.execute("export-xen", checkpoint.toString(), stream.toString());
    assertThat(code).isNotZero();
    assertThat(said.toString()).contains("guest sample was started by sample-1");
    assertThat(stream).doesNotExist();
  }
}

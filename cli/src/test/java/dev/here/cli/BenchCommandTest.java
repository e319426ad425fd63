package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.bench.Figure;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class BenchCommandTest {
  @Test
  void aFigureIsOneJsonObjectOnOneLine() {
    Figure figure = new Figure("pause.staged.200", 1.5, "ms", 0.5, 3, 3.3, 15, true);
    assertThat(BenchCommand.json(figure))
        .isEqualTo(
            "{\"name\":\"pause.staged.200\",\"value\":1.5,\"unit\":\"ms\",\"reference\":0.5,"
                + "\"ratio\":3.0,\"bar\":3.3,\"runs\":15,\"met\":true}");
  }

  @Test
  void aFigureThatIsNotKnownIsWrongUse() {
    StringWriter errors = new StringWriter();
    int exit =
        new CommandLine(new BenchCommand())
            .setErr(new PrintWriter(errors))
            .execute("--json", "speed");
    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(errors.toString()).contains("no figure is called speed").contains("wire.bytes");
  }
}

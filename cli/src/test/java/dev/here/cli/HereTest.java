package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class HereTest {
  private static final int WRONG_USE = 2;

  private static Map<String, CommandLine> commands(String name) {
    return Here.line(name).getSubcommands();
  }

  @Test
  void theHelpKnowsEveryCommandByItsOwnName() {
    Map<String, CommandLine> all = commands("help");
    assertThat(all).containsKeys("help", "demo", "lab", "protect", "hered");
    all.forEach((name, command) -> assertThat(command.getCommandName()).isEqualTo(name));
  }

  @Test
  void eachCommandIsThereAloneWhenItIsCalled() {
    for (String name : commands("help").keySet()) {
      if (!name.equals("help")) {
        assertThat(commands(name)).containsOnlyKeys(name);
      }
    }
  }

  @Test
  void aWordThatIsNoCommandIsToldWhatThereIs() {
    StringWriter errors = new StringWriter();
    CommandLine line = Here.line("protekt").setErr(new PrintWriter(errors));
    assertThat(line.execute("protekt")).isEqualTo(WRONG_USE);
    assertThat(errors.toString()).contains("protect");
  }
}

package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A Java program of the lab that runs inside a rack, in the network of guests and clients, and ends
 * with it. It says what it sees as one JSON object a line.
 */
final class RackProgram implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Process process;
  private final OutputStream input;

  private RackProgram(Process process) {
    this.process = process;
    input = process.getOutputStream();
  }

  /**
   * Starts a class's main method; its errors go to this process's.
   *
   * @param line takes each line; called on one thread, in order
   * @param ended called after the last line, with why there is no more, if it is not the end
   */
  static RackProgram start(
      Rack rack,
      Class<?> program,
      List<String> arguments,
      Consumer<JsonNode> line,
      Consumer<String> ended) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
    command.addAll(arguments);
    try {
      Process process =
          new ProcessBuilder(rack.inside(command))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      RackProgram started = new RackProgram(process);
      Thread.ofVirtual().start(() -> started.follow(line, ended));
      return started;
    } catch (IOException e) {
      throw new LabException(
          "%s cannot be started in the lab: %s".formatted(program.getSimpleName(), e.getMessage()),
          e);
    }
  }

  private void follow(Consumer<JsonNode> taking, Consumer<String> ended) {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        taking.accept(JSON.readTree(line));
      }
      ended.accept("");
    } catch (IOException | RuntimeException e) {
      ended.accept(String.valueOf(e.getMessage()));
    }
  }

  /** Writes a line to its standard input. */
  void send(String line) {
    try {
      input.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      input.flush();
    } catch (IOException e) {
      throw new LabException("a program in the lab is gone: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}

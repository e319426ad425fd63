package dev.here.driver.xen;

import dev.here.hypervisor.HypervisorException;
import dev.here.machine.Bytes;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The program {@code xl}, for what no stable library of Xen does. */
final class Toolstack {
  private static final String PROGRAM = "xl";

  /** xl opens the file by its name. */
  private static final String STDIN = "/proc/self/fd/0";

  private static final long LIST_SECONDS = 60;
  private static final long RESTORE_SECONDS = 600;
  private static final int TEXT_CHARS_MOST = 600;

  /**
   * A domain's configuration as {@code xl save} would write it.
   *
   * @return JSON
   */
  Bytes configuration(XenDomain domain) {
    Path answer = temporary();
    try {
      Process list = start(new ProcessBuilder(PROGRAM, "list", "-l", domain.name()), answer);
      require(list, LIST_SECONDS, "telling the configuration of domain " + domain.name(), answer);
      JsonMapper json = JsonMapper.builder().build();
      JsonNode config = json.readTree(Files.readAllBytes(answer)).path(0).path("config");
      if (!config.isObject()) {
        throw new HypervisorException(
            "xl list -l %s tells no configuration: %s".formatted(domain.name(), text(answer)));
      }
      return Bytes.of(json.writeValueAsBytes(config));
    } catch (IOException | JacksonException e) {
      throw new HypervisorException(
          "xl list -l %s cannot be understood: %s".formatted(domain.name(), e.getMessage()), e);
    } finally {
      delete(answer);
    }
  }

  /** What a restored domain is read from. */
  @FunctionalInterface
  interface Stream {
    /** Writes it all; the channel is closed by the caller. */
    void write(WritableByteChannel channel) throws IOException;
  }

  /**
   * Makes a domain from a stream and lets it run, as {@code xl create} does with a configuration.
   *
   * @param log gets what xl says
   */
  void restore(Stream stream, Path log) {
    Process restore = start(new ProcessBuilder(PROGRAM, "-v", "restore", STDIN), log);
    // The pipe's own descriptor takes pages from where they lie; a stream would copy them in
    // pieces.
    Path pipe = Path.of("/proc/%d/fd/0".formatted(restore.pid()));
    try (FileChannel channel = FileChannel.open(pipe, StandardOpenOption.WRITE)) {
      restore.getOutputStream().close();
      stream.write(channel);
    } catch (IOException e) {
      restore.destroy();
      throw new HypervisorException(
          "xl restore has not read the guest to its end: %s; it says: %s"
              .formatted(e.getMessage(), text(log)),
          e);
    }
    require(restore, RESTORE_SECONDS, "restoring the guest", log);
  }

  private static Process start(ProcessBuilder program, Path output) {
    try {
      return program
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
          .start();
    } catch (IOException e) {
      throw new HypervisorException("cannot start xl: " + e.getMessage(), e);
    }
  }

  private static void require(Process process, long seconds, String what, Path output) {
    try {
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        process.destroy();
        throw new HypervisorException("xl: %s takes more than %d s".formatted(what, seconds));
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new HypervisorException("interrupted while xl was " + what, e);
    }
    if (process.exitValue() != 0) {
      throw new HypervisorException(
          "xl: %s failed (exit code %d): %s".formatted(what, process.exitValue(), text(output)));
    }
  }

  /** The end of what it said. */
  private static String text(Path output) {
    try {
      String said = Files.readString(output, StandardCharsets.ISO_8859_1).strip();
      return said.substring(Math.max(0, said.length() - TEXT_CHARS_MOST));
    } catch (IOException e) {
      return "nothing";
    }
  }

  private static Path temporary() {
    try {
      return Files.createTempFile("here-xl", ".json");
    } catch (IOException e) {
      throw new HypervisorException("no temporary file: " + e.getMessage(), e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new HypervisorException("cannot delete %s: %s".formatted(file, e.getMessage()), e);
    }
  }
}

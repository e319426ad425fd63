package dev.here.cli;

import dev.here.lab.ExecSession;
import dev.here.lab.Lab;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Watches a keeper's log on a lab host until its guest is protected or the keeper ends. One command
 * does so on the host, and once begun it starts no other: each question to the daemon costs an
 * emulated host more than a second while everything on it runs for the first time.
 */
final class KeeperLogWatch implements AutoCloseable {
  private static final String LOG = "/run/here/protections/%s/keeper.log";

  private final ExecSession session;
  private final String host;

  /**
   * @param begin a line that sets n to the number of lines that do not count
   */
  private KeeperLogWatch(Lab lab, String host, String name, int seconds, String begin) {
    this.host = host;
    session =
        lab.start(
            host,
            """
            mkfifo /run/idle-$$; exec {idle}<>/run/idle-$$; rm /run/idle-$$
            %3$s
            for ((i = 0; i < %1$d; i += 2)); do
              read -rt 2 -u $idle
              [ -f %2$s ] || continue
              mapfile -t -s $n new <%2$s
              n=$((n + ${#new[@]}))
              for line in "${new[@]}"; do
                printf '%%s\\n' "${line#* }"
                case $line in *" Keeper - PROTECTED"* | *" Keeper - ended"*) exit 0 ;; esac
              done
            done
            """
                .formatted(seconds, LOG.formatted(name), begin));
  }

  /**
   * Returns when the log says that the guest is protected, that the keeper ended, or after the
   * time; which of them the daemon knows.
   *
   * @param name the protection's
   * @param lines gets each line of the log, without its time
   */
  static void await(Lab lab, String host, String name, int seconds, Consumer<String> lines) {
    try (var watch = new KeeperLogWatch(lab, host, name, seconds, "n=0")) {
      watch.follow(lines);
    }
  }

  /**
   * Begins to watch for a keeper that will follow one that is going to die: what that one wrote
   * does not count. It takes the host some seconds to begin.
   */
  static KeeperLogWatch ofNext(Lab lab, String host, String name, int seconds) {
    return new KeeperLogWatch(
        lab,
        host,
        name,
        seconds,
        "mapfile -t old <%s; n=${#old[@]}".formatted(LOG.formatted(name)));
  }

  /** Returns as {@link #await} does. */
  void follow(Consumer<String> lines) {
    try {
      session.endInput();
      session.transferTo(new Lines(lines), OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw new HereProgram.Refusal(
          "the keeper's log on %s cannot be watched: %s".formatted(host, e.getMessage()));
    }
  }

  @Override
  public void close() {
    session.close();
  }

  /** Gives octets on as lines. */
  private static final class Lines extends OutputStream {
    private final Consumer<String> to;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    Lines(Consumer<String> to) {
      this.to = to;
    }

    @Override
    public void write(int octet) {
      if (octet == '\n') {
        to.accept(line.toString(StandardCharsets.UTF_8));
        line.reset();
      } else {
        line.write(octet);
      }
    }
  }
}

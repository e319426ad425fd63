package dev.here.lab;

/**
 * How a command on a lab host ended.
 *
 * @param exitCode the command's exit code, or 128 plus the signal that ended it
 * @param output its standard output, as UTF-8
 * @param errors its standard error, as UTF-8
 */
public record ExecResult(int exitCode, String output, String errors) {

  /** The output without surrounding blanks, if the command succeeded; else an error quoting it. */
  public String success() {
    if (exitCode != 0) {
      throw new LabException(
          "a command on a lab host ended with %d: %s %s"
              .formatted(exitCode, output.strip(), errors.strip()));
    }
    return output.strip();
  }
}

package dev.here.cli;

import java.io.FileNotFoundException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/**
 * Tells a failure in one line; a user never sees a stack trace unless {@code HERE_DEBUG} is set.
 */
final class OneLineErrors implements IExecutionExceptionHandler {
  @Override
  public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
    command.getErr().println("here: " + text(failure));
    if (System.getenv("HERE_DEBUG") != null) {
      failure.printStackTrace(command.getErr());
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  static String text(Exception failure) {
    return switch (failure) {
      case NoSuchFileException missing -> missing.getFile() + ": no such file";
      case FileNotFoundException missing -> missing.getMessage() + "";
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      default -> {
        String message = failure.getMessage();
        yield message == null || message.isBlank()
            ? failure.getClass().getSimpleName()
            : message.lines().findFirst().orElse("");
      }
    };
  }
}

package dev.here.ffi;

import org.jspecify.annotations.Nullable;

/** A shared library or one of its symbols isn't there. */
public final class NativeLinkException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NativeLinkException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

package dev.here.net;

/**
 * A stream of frames does not keep to its framing; the connection it came on is of no use any more.
 * The text says which length broke which bound.
 */
public final class FrameStreamException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public FrameStreamException(String message) {
    super(message);
  }
}

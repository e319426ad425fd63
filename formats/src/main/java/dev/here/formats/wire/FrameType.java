package dev.here.formats.wire;

/** Kinds of frames, with the code and the longest payload of each (docs/specs/wire.md). */
public enum FrameType {
  HELLO(1, 64 << 10),
  ATTACH(2, 64),
  WELCOME(3, 64),
  REFUSAL(4, 4096),
  PAGES(5, 256 << 10),
  STREAM_END(6, 64),
  MACHINE(7, (8 << 20) + 8),
  EPOCH_END(8, 64),
  ACK(9, 64),
  PROGRESS(10, 64),
  GOODBYE(11, 4096);

  private static final FrameType[] BY_CODE = new FrameType[12];

  static {
    for (FrameType type : values()) {
      BY_CODE[type.code] = type;
    }
  }

  private final int code;
  private final int maxPayloadBytes;

  FrameType(int code, int maxPayloadBytes) {
    this.code = code;
    this.maxPayloadBytes = maxPayloadBytes;
  }

  /** The octet that stands for this type in a frame's header. */
  public int code() {
    return code;
  }

  /** The longest payload that is accepted. */
  public int maxPayloadBytes() {
    return maxPayloadBytes;
  }

  /** The type with that code. */
  public static FrameType of(int code) {
    FrameType type = code > 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    if (type == null) {
      throw new WireException("frame type %d is unknown".formatted(code));
    }
    return type;
  }
}

package dev.here.net;

/**
 * Frames that wait in a gate, at one moment.
 *
 * @param frames how many; one of them may be a segment of up to 64 KiB that no interface has cut
 *     yet
 * @param bytes of the frames, without the kernel's own for each
 * @param lostFrames dropped since the gate was made, because it was full
 */
public record HeldFrames(long frames, long bytes, long lostFrames) {
  static final HeldFrames NONE = new HeldFrames(0, 0, 0);

  HeldFrames plus(HeldFrames other) {
    return new HeldFrames(
        frames + other.frames, bytes + other.bytes, lostFrames + other.lostFrames);
  }
}

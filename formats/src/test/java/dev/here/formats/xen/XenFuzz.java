package dev.here.formats.xen;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Octets changed, removed, repeated and exchanged; {@code -Dfuzz.rounds=N} does more of it. */
final class XenFuzz {
  static final int ROUNDS = Integer.getInteger("fuzz.rounds", 60);

  private XenFuzz() {}

  /** One to eight changes. */
  static byte[] changed(byte[] original, SplittableRandom random) {
    byte[] bytes = original.clone();
    for (int change = random.nextInt(8); change >= 0; change--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] = (byte) random.nextInt();
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
        case 3 -> {
          int length = Math.min(random.nextInt(16), bytes.length - at);
          System.arraycopy(bytes, at, bytes, random.nextInt(bytes.length - length), length);
        }
        case 4 -> {
          byte[] longer = Arrays.copyOf(bytes, bytes.length + 4);
          System.arraycopy(bytes, at, longer, at + 4, bytes.length - at);
          bytes = longer;
        }
        default -> Arrays.fill(bytes, at, Math.min(bytes.length, at + 4), (byte) 0xff);
      }
    }
    return bytes;
  }
}

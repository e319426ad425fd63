package dev.here.testkit;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Octets changed, removed, repeated and exchanged, for tests of what reads them. */
public final class ChangedOctets {
  private ChangedOctets() {}

  /** One to eight changes anywhere. */
  public static byte[] of(byte[] original, SplittableRandom random) {
    return of(original, random, Integer.MAX_VALUE);
  }

  /** One to eight changes that begin within the first {@code reach} octets. */
  public static byte[] of(byte[] original, SplittableRandom random, int reach) {
    byte[] bytes = original.clone();
    for (int change = random.nextInt(8); change >= 0; change--) {
      int at = random.nextInt(Math.min(reach, bytes.length));
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

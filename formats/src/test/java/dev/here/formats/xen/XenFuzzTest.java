package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.ChangedOctets;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever comes, a decoder gives a result that is written back, or its own refusal, and never
 * another exception.
 */
class XenFuzzTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void contexts(long seed) {
    var random = new SplittableRandom(seed);
    byte[] octets = Contexts.random(random, 2);
    int refused = 0;
    for (int round = 0; round < XenFuzz.ROUNDS; round++) {
      byte[] changed = ChangedOctets.of(octets, random);
      try {
        assertThat(HvmContext.decode(changed).encode()).isEqualTo(changed);
      } catch (XenFormatException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused with seed %d", seed).isPositive();
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 5, 6})
  void streams(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    List<XenStreamItem> items =
        XenGolden.items(XenGolden.octets("hvm-1cpu.xlsave")).stream()
            .filter(item -> !(item instanceof LibxcRecord.PageData))
            .toList();
    byte[] octets = XenStreamTest.written(items);
    int refused = 0;
    for (int round = 0; round < XenFuzz.ROUNDS; round++) {
      byte[] changed = ChangedOctets.of(octets, random);
      try {
        List<XenStreamItem> read = XenGolden.items(changed);
        assertThat(changed).startsWith(XenStreamTest.written(read));
        read.forEach(item -> assertThat(XenStreamText.text(0, item)).isNotEmpty());
      } catch (XenFormatException | EOFException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused with seed %d", seed).isPositive();
  }
}

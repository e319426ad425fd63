package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.ChangedOctets;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real streams with octets changed, removed, repeated and exchanged: whatever comes, a reader gives
 * a result or its own refusal, and never another exception. The seed stands in the test's name;
 * {@code -Dfuzz.rounds=N} does more of it.
 */
class QemuStreamFuzzTest {
  private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 60);

  static Stream<Arguments> seeds() {
    return Stream.of("tcg-default", "tcg-virtio", "kvm-2cpu", "tcg-colo")
        .map(name -> Arguments.of(name, (long) name.hashCode() ^ Long.getLong("fuzz.seed", 7)));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void streams(String name, long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] stream = Golden.stream(name);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] changed = ChangedOctets.of(stream, random, Math.min(stream.length, 20_000));
      try {
        Golden.read(changed);
      } catch (QemuStreamException | EOFException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused of %d with seed %d", ROUNDS, seed).isPositive();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void deviceStatesAndTranslations(String name, long seed) throws IOException {
    var random = new SplittableRandom(seed);
    MigrationStream stream = Golden.read(Golden.stream(name));
    QemuGuestFacts facts = GoldenFacts.of("kvm-2cpu", 2);
    var layout = QemuMemoryLayout.of(stream.ramBlocks(), name.equals("tcg-default"));
    var translator = new QemuMachineTranslator(facts, layout);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] changed = ChangedOctets.of(stream.deviceState(), random, stream.deviceState().length);
      try {
        VmState state = VmStateReader.read(stream.schema().orElseThrow(), changed);
        assertThat(VmStateText.of(state)).isNotEmpty();
        translator.translate(state, GoldenFacts.INSTANT);
      } catch (QemuStreamException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused of %d with seed %d", ROUNDS, seed).isPositive();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void descriptions(String name, long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] stream = Golden.stream(name);
    byte[] mark = "{\"page_size\"".getBytes(StandardCharsets.UTF_8);
    int start = stream.length - 1;
    while (!Arrays.equals(
        stream, start, Math.min(stream.length, start + mark.length), mark, 0, mark.length)) {
      start--;
    }
    byte[] json = Arrays.copyOfRange(stream, start, stream.length);
    byte[] state = Golden.read(stream).deviceState();
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      try {
        VmStateReader.read(VmStateSchema.parse(ChangedOctets.of(json, random, json.length)), state);
      } catch (QemuStreamException expected) {
        refused++;
      }
    }
    assertThat(refused).as("refused of %d with seed %d", ROUNDS, seed).isPositive();
  }
}

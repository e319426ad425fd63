package dev.here.formats.state;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.FirmwareConfigFile;
import dev.here.machine.FirmwareConfigState;
import dev.here.machine.IsaState;
import dev.here.machine.MachineState;
import dev.here.testkit.SampleMachine;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Machine states written and read by hand, against data binding. */
class StateByHandTest {
  static final int MACHINES = 100;

  private static final Pattern VALUE = Pattern.compile("(?<=:)(\"[^\"]*\"|-?[0-9]+|true|false)");

  /** What may stand where another value stood, usually to its harm. */
  private static final String[] OTHERS = {
    "null",
    "1.0",
    "1e0",
    "\"1\"",
    "\"\"",
    "01",
    "-0",
    "+1",
    "true",
    "[]",
    "{}",
    "[1]",
    "1 ",
    "\"RAM\"",
    "\"ram\"",
    "\" RAM\"",
    "\"a\"",
    "\"AB\"",
    "\"\\u0061b\"",
    "\"zz\"",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "1,\"x\":2",
    "1/**/",
    "NaN",
    "'a'"
  };

  private static final List<String> JSON =
      LongStream.range(0, 20)
          .mapToObj(seed -> MachineStateCodec.text(StateWriter.encode(AnyMachine.state(seed))))
          .toList();

  @Test
  void everyMachineIsWrittenAndReadAlike() {
    for (long seed = 0; seed < MACHINES; seed++) {
      BothWays.agreeOn(AnyMachine.state(seed));
      BothWays.agreeOn(SampleMachine.state(seed, 1 + (int) seed % MachineState.MAX_VCPUS, 64));
    }
  }

  @Test
  void anotherValueIsReadByHandOnlyIfDataBindingReadsIt() {
    SplittableRandom random = new SplittableRandom(1);
    int read = 0;
    int rounds = 3000;
    for (int round = 0; round < rounds; round++) {
      if (BothWays.readByHand(withAnotherValue(JSON.get(random.nextInt(JSON.size())), random))) {
        read++;
      }
    }
    assertThat(read).isBetween(rounds / 50, rounds / 2);
  }

  private static byte[] withAnotherValue(String json, SplittableRandom random) {
    List<MatchResult> values = VALUE.matcher(json).results().toList();
    MatchResult value = values.get(random.nextInt(values.size()));
    String other = OTHERS[random.nextInt(OTHERS.length)];
    return (json.substring(0, value.start()) + other + json.substring(value.end())).getBytes(UTF_8);
  }

  @Test
  void damageIsReadByHandOnlyIfDataBindingReadsIt() {
    SplittableRandom random = new SplittableRandom(2);
    int read = 0;
    for (int round = 0; round < 2000; round++) {
      byte[] bad = JSON.get(round % JSON.size()).getBytes(UTF_8);
      for (int hits = random.nextInt(1, 4); hits > 0; hits--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      if (BothWays.readByHand(bad)) {
        read++;
      }
    }
    assertThat(read).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "[]", "null", "1", "", "}", "]", ",", "{", "x", "\0"})
  void whatFollowsIsRefused(String more) {
    byte[] json = (JSON.get(3) + " " + more).getBytes(UTF_8);
    assertThat(BothWays.readByHand(json)).isEqualTo(more.isEmpty());
  }

  @Test
  void aStateCutShortIsRefused() {
    String json = JSON.get(4);
    for (int length = 0; length < json.length(); length += 13) {
      assertThat(StateReader.tryDecode(json.substring(0, length).getBytes(UTF_8))).isEmpty();
    }
  }

  @Test
  void anotherOrderIsLeftToDataBinding() {
    String json = JSON.get(5);
    Matcher channel = Pattern.compile("\"(reload)\":([0-9]+),\"(mode)\":([0-9]+)").matcher(json);
    byte[] changed = channel.replaceAll("\"$3\":$4,\"$1\":$2").getBytes(UTF_8);
    assertThat(changed).isNotEqualTo(json.getBytes(UTF_8));
    assertThat(StateReader.tryDecode(changed)).isEmpty();
    assertThat(MachineStateCodec.decode(changed)).isEqualTo(AnyMachine.state(5));
  }

  /** The bound of a string counts here too, where its characters are not made a string. */
  @ParameterizedTest
  @ValueSource(ints = {1 << 19, (1 << 19) + 1, 700_000, 2_000_000})
  void aStringThatIsTooLongIsRefused(int octets) {
    byte[] json = StateWriter.encode(withFirmwareItem(octets));
    assertThat(BothWays.readByHand(json)).isEqualTo(octets <= 1 << 19);
  }

  private static MachineState withFirmwareItem(int octets) {
    MachineState s = SampleMachine.state(1, 1, 16);
    var item = new FirmwareConfigFile(1, "item", Bytes.zero(octets));
    var firmware = new FirmwareConfigState(0x510, 0, 0, 0, true, List.of(item));
    IsaState isa =
        new IsaState(
            s.isa().serials(),
            s.isa().parallels(),
            s.isa().i8042(),
            s.isa().dma(),
            s.isa().floppy(),
            s.isa().ide(),
            s.isa().vga(),
            Optional.of(firmware),
            s.isa().systemControlA(),
            s.isa().debugExitPort());
    return new MachineState(
        s.version(),
        s.platform(),
        s.memory(),
        s.vcpus(),
        s.pic(),
        s.ioApic(),
        s.pit(),
        s.rtc(),
        s.hpet(),
        s.acpiPm(),
        s.pci(),
        s.virtio(),
        isa,
        s.clock());
  }
}

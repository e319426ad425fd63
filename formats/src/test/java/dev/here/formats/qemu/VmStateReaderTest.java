package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.LostField;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VmStateReaderTest {
  private static final String CPU =
      "{\"page_size\": 4096, \"devices\": [{\"name\": \"cpu\", \"instance_id\": 0, \"vmsd_name\":"
          + " \"cpu\", \"version\": 12, \"fields\": [{\"name\": \"env.eip\", \"type\": \"uint64\","
          + " \"size\": 8}]}]}";

  @ParameterizedTest
  @ValueSource(strings = {"tcg-default", "tcg-virtio", "kvm-2cpu", "kvm-2cpu-nodefaults"})
  void decodesEverySectionOfARealState(String name) throws IOException {
    MigrationStream stream = Golden.read(Golden.stream(name));
    VmState state = Golden.state(stream);

    assertThat(state.sections()).hasSameSizeAs(stream.schema().orElseThrow().sections());
    assertThat(state.require("globalstate", 0).octets("runstate", 100)[0])
        .isIn((byte) 'r', (byte) 'p');
    assertThat(state.require("cpu", 1).structs("env.segs", 6).get(1).number("selector"))
        .isBetween(8L, 0xf000L);
    assertThat(VmStateText.of(state)).contains("env.eip 0x").contains("hpet_counter 0x");
  }

  @Test
  void aSubsectionThatWasNotDescribedIsKnown() {
    VmState state = read(CPU, cpu("cpu/async_pf_msr", 1).u64(0x1234).footer(3).u8(0));

    VmStruct cpu = state.require("cpu", 0);
    assertThat(cpu.number("env.eip")).isEqualTo(7);
    assertThat(cpu.subsection("cpu/async_pf_msr").orElseThrow().number("env.async_pf_en_msr"))
        .isEqualTo(0x1234);
  }

  @Test
  void refusesSubsections() {
    refused("'cpu/strange', which is not known", cpu("cpu/strange", 1).footer(3).u8(0));
    refused("of version 2, version 1 is known", cpu("cpu/pkru", 2).u32(1).footer(3).u8(0));
    refused(
        "has 'cpu/pkru' twice",
        cpu("cpu/pkru", 1).u32(1).u8(5).name("cpu/pkru").u32(1).u32(1).footer(3).u8(0));
    refused("cut short", cpu("cpu/pkru", 1).u16(1));
  }

  @Test
  void refusesSections() {
    refused("type 0x5", new StreamBytes().u8(5));
    refused("not in the description", new StreamBytes().u8(4).u32(3).name("x").u32(0).u32(1));
    refused("instance 1 is not", new StreamBytes().u8(4).u32(3).name("cpu").u32(1).u32(12));
    refused("has version 11", new StreamBytes().u8(4).u32(3).name("cpu").u32(0).u32(11));
    refused("does not end where", section().u64(7).footer(4).u8(0));
    refused("comes twice", section().u64(7).footer(3).raw(section().u64(7).footer(3).bytes()));
    refused("2 bytes follow", section().u64(7).footer(3).u8(0).u16(0));
    refused("cut short", section().u64(7).footer(3));
    refused("cut short", section().u32(7));
  }

  @Test
  void identificationOfADriveIsThereWhenAFieldBeforeSaysSo() {
    String json = CPU.replace("\"cpu\"", "\"ide_drive\"").replace("env.eip", "identify_set");
    StreamBytes absent = new StreamBytes().u8(4).u32(3).name("ide_drive").u32(0).u32(12);
    VmState without = read(json, absent.u64(0).footer(3).u8(0));
    StreamBytes present = new StreamBytes().u8(4).u32(3).name("ide_drive").u32(0).u32(12);
    VmState with = read(json, present.u64(1).raw(new byte[512]).footer(3).u8(0));

    assertThat(without.require("ide_drive", 0).fields()).doesNotContainKey("identify_data");
    assertThat(with.require("ide_drive", 0).octets("identify_data", 512)).hasSize(512);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{\"devices\": 5}",
        "{\"devices\": [{\"name\": 1}]}",
        "{\"devices\": [{\"name\": \"a\", \"instance_id\": -1}]}",
        "{\"devices\": [{\"name\": \"a\", \"instance_id\": 0, \"vmsd_name\": \"a\", \"fields\": 1}]}",
        "{\"devices\": [{\"name\": \"a\", \"instance_id\": 0, \"vmsd_name\": \"a\", \"fields\":"
            + " [{\"name\": \"f\", \"type\": \"uint8\", \"size\": 99999999}]}]}",
        "{\"devices\": [{\"name\": \"a\", \"instance_id\": 0}, {\"name\": \"a\", \"instance_id\": 0}]}"
      })
  void refusesDescriptions(String json) {
    assertThatThrownBy(() -> VmStateSchema.parse(json.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("description");
  }

  @Test
  void aDescriptionCannotAskForMoreThanTheBytesHold() {
    String field = "{\"name\": \"f\", \"type\": \"uint64\", \"size\": 8, \"array_len\": 1000000}";
    assertThatThrownBy(() -> read(with(field), section().u64(7).footer(3).u8(0)))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("needs 8000000 bytes");
    String empty =
        "{\"name\": \"f\", \"type\": \"struct\", \"size\": 0, \"array_len\": 1000000, \"struct\":"
            + " {\"vmsd_name\": \"e\"}}";
    assertThatThrownBy(() -> read(with(empty), section().footer(3).u8(0)))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("structures");
    String odd = "{\"name\": \"f\", \"type\": \"uint64\", \"size\": 3}";
    assertThatThrownBy(() -> read(with(odd), section().u64(7).footer(3).u8(0)))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("number of 3 bytes");
    String strange = "{\"name\": \"f\", \"type\": \"gtree\", \"size\": 3}";
    assertThatThrownBy(() -> read(with(strange), section().u64(7).footer(3).u8(0)))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("type 'gtree'");
  }

  @Test
  void everyCutOfARealStateIsRefused() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("kvm-2cpu"));
    byte[] whole = stream.deviceState();
    for (int length = 0; length < whole.length; length += 61) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> VmStateReader.read(stream.schema().orElseThrow(), cut))
          .as("cut at %d", length)
          .isInstanceOf(QemuStreamException.class);
    }
  }

  @Test
  void likeElementsOfAnArrayAreEachWhatTheyAre() {
    String json =
        with(
            "{\"name\": \"q\", \"type\": \"struct\", \"size\": 2, \"array_len\": 5, \"struct\":"
                + " {\"vmsd_name\": \"cpu\", \"version\": 1, \"fields\": [{\"name\": \"v\", \"type\":"
                + " \"uint16\", \"size\": 2}]}}");
    StreamBytes elements = section().u16(7).u16(7).u16(7).u8(5).name("cpu/pkru").u32(1).u32(9);
    VmState state = read(json, elements.u16(7).u16(8).footer(3).u8(0));

    VmStruct cpu = state.require("cpu", 0);
    assertThat(cpu.structs("q", 5))
        .extracting(q -> q.number("v"))
        .containsExactly(7L, 7L, 7L, 7L, 8L);
    assertThat(cpu.structs("q")).extracting(VmStruct::path).contains("cpu/q[0]", "cpu/q[4]");
    assertThat(cpu.structs("q"))
        .extracting(q -> q.subsection("cpu/pkru").isPresent())
        .containsExactly(false, false, true, false, false);
  }

  @Test
  void whatWasReadOfOneElementIsNotReadOfItsLike() {
    String json =
        with(
            "{\"name\": \"q\", \"type\": \"struct\", \"size\": 2, \"array_len\": 2, \"struct\":"
                + " {\"vmsd_name\": \"queue\", \"version\": 1, \"fields\": [{\"name\": \"v\", \"type\":"
                + " \"uint16\", \"size\": 2}]}}");
    VmState state = read(json, section().u16(7).u16(7).footer(3).u8(0));
    state.require("cpu", 0).structs("q").getFirst().number("v");

    var losses = new Losses();
    losses.addUnread(state);
    assertThat(losses.report().lost())
        .extracting(lost -> lost.path())
        .containsExactly("cpu/q[1]/v");
  }

  @Test
  void aStateAfterAnotherIsWhatItIsAlone() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("kvm-2cpu"));
    VmStateSchema schema = stream.schema().orElseThrow();
    byte[] whole = stream.deviceState();
    DecodedSections earlier = VmStateReader.readNext(schema, whole, DecodedSections.none());
    for (int at = 5; at < whole.length; at += 997) {
      byte[] changed = whole.clone();
      changed[at] ^= 1;
      VmState alone;
      try {
        alone = VmStateReader.read(schema, changed);
      } catch (QemuStreamException e) {
        DecodedSections before = earlier;
        assertThatThrownBy(() -> VmStateReader.readNext(schema, changed, before))
            .isInstanceOf(QemuStreamException.class)
            .hasMessage(e.getMessage());
        continue;
      }
      earlier = VmStateReader.readNext(schema, changed, earlier);
      assertThat(VmStateText.of(earlier.state())).isEqualTo(VmStateText.of(alone));
      assertThat(unread(earlier.state())).isEqualTo(unread(alone));
    }
  }

  @Test
  void aSectionThatComesAgainIsNotDecodedAgainAndHasBeenRead() {
    VmStateSchema schema = VmStateSchema.parse(CPU.getBytes(StandardCharsets.UTF_8));
    byte[] first = section().u64(7).footer(3).u8(0).bytes();
    byte[] second = section().u64(8).footer(3).u8(0).bytes();
    DecodedSections one = VmStateReader.readNext(schema, first, DecodedSections.none());
    VmStruct cpu = one.state().require("cpu", 0);
    assertThat(cpu.number("env.eip")).isEqualTo(7);

    DecodedSections again = VmStateReader.readNext(schema, first.clone(), one);
    assertThat(again.state().require("cpu", 0)).isSameAs(cpu);
    assertThat(cpu.wasRead("env.eip")).isTrue();

    DecodedSections other = VmStateReader.readNext(schema, second, again);
    assertThat(other.state().require("cpu", 0).number("env.eip")).isEqualTo(8);
  }

  @Test
  void aStateAfterAnotherIsRefusedWhereItIsCutShort() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("kvm-2cpu"));
    byte[] whole = stream.deviceState();
    VmStateSchema schema = stream.schema().orElseThrow();
    DecodedSections earlier = VmStateReader.readNext(schema, whole, DecodedSections.none());
    for (int length = 0; length < whole.length; length += 1009) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> VmStateReader.readNext(schema, cut, earlier))
          .as("cut at %d", length)
          .isInstanceOf(QemuStreamException.class);
    }
  }

  private static List<LostField> unread(VmState state) {
    var losses = new Losses();
    losses.addUnread(state);
    return losses.report().lost();
  }

  private static String with(String field) {
    return CPU.replaceAll("\\{\"name\": \"env.eip.*?\\}", field);
  }

  private static StreamBytes section() {
    return new StreamBytes().u8(4).u32(3).name("cpu").u32(0).u32(12);
  }

  private static StreamBytes cpu(String subsection, int version) {
    return section().u64(7).u8(5).name(subsection).u32(version);
  }

  private static VmState read(String json, StreamBytes state) {
    return VmStateReader.read(
        VmStateSchema.parse(json.getBytes(StandardCharsets.UTF_8)), state.bytes());
  }

  private static void refused(String reason, StreamBytes state) {
    assertThatThrownBy(() -> read(CPU, state))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining(reason);
  }
}

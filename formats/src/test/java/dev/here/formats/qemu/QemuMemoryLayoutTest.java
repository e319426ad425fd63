package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.MemoryMap;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QemuMemoryLayoutTest {
  @ParameterizedTest
  @ValueSource(strings = {"tcg-default", "tcg-virtio", "kvm-2cpu", "kvm-2cpu-nodefaults"})
  void theRulesGiveWhatQemuHas(String name) throws IOException {
    MigrationStream stream = Golden.read(Golden.stream(name));
    VmState state = Golden.state(stream);
    QemuMemoryTree tree = QemuMemoryTree.parse(Golden.text(name + ".mtree"));
    QemuMemoryLayout layout = QemuMemoryLayout.of(stream.ramBlocks(), tree);

    MemoryMap map = layout.map(state);

    assertThatCode(() -> layout.check(map, tree)).doesNotThrowAnyException();
    assertThat(layout.backingSizeBytes())
        .isEqualTo(stream.ramBlocks().stream().mapToLong(RamBlock::sizeBytes).sum());
    assertThat(map.regionAt(0xa0000).isPresent())
        .isEqualTo(name.equals("tcg-virtio") || name.endsWith("nodefaults"));
    assertThat(map.regionAt(0xfffffff0L).orElseThrow().name()).startsWith("pc.bios@");
    assertThat(
            QemuMemoryLayout.of(
                    stream.ramBlocks(), !name.equals("tcg-virtio") && !name.endsWith("nodefaults"))
                .map(state))
        .isEqualTo(map);
  }

  @Test
  void aDifferenceIsNamed() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("tcg-default"));
    String text = Golden.text("tcg-default.mtree");
    QemuMemoryTree tree = QemuMemoryTree.parse(text);
    QemuMemoryLayout layout = QemuMemoryLayout.of(stream.ramBlocks(), tree);
    MemoryMap map = layout.map(Golden.state(stream));
    var changed =
        QemuMemoryTree.parse(
            text.replace("e8000 (prio 0, ram)", "")
                .replace(
                    "00000000000e8000-00000000000effff (prio 0, ram)",
                    "00000000000e8000-00000000000effff (prio 0, rom)"));

    assertThatThrownBy(() -> layout.check(map, changed))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("rom 'pc.ram' at 0xe8000");
    var missing = QemuMemoryTree.parse(text.replaceAll("(?m)^.*pc.bios$", ""));
    assertThatThrownBy(() -> layout.check(map, missing))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining("pc.bios@fffc0000");
  }

  @Test
  void ramOfMoreThanThreeAndAHalfGibIsSplitAtThree() throws IOException {
    VmState state = Golden.state(Golden.read(Golden.stream("tcg-virtio")));
    var main = new RamBlock(0, "pc.ram", 4L << 30, 0, OptionalLong.empty());
    MemoryMap map = QemuMemoryLayout.of(List.of(main), false).map(state);

    assertThat(map.regionAt(0xbfffffffL)).isPresent();
    assertThat(map.regionAt(0xc0000000L)).isEmpty();
    assertThat(map.regionAt(0x100000000L).orElseThrow().backingOffset()).isEqualTo(0xc0000000L);
    assertThat(map.regionAt(0x13fffffffL)).isPresent();
    assertThat(map.regionAt(0x140000000L)).isEmpty();
  }
}

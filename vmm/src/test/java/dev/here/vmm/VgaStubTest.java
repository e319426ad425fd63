package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.VgaState;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VgaStubTest {
  private static final long FRAMEBUFFER_OFFSET = 2 << 20;
  private static final long FRAMEBUFFER_BYTES = 1 << 20;

  private final FakeMachine machine = new FakeMachine();
  private final List<MemoryMap> maps = new ArrayList<>();

  @AfterEach
  void close() {
    machine.close();
  }

  /** Text mode 3 as a BIOS leaves it. */
  private static VgaState text() {
    byte[] sequencer = new byte[256];
    sequencer[2] = 3;
    sequencer[4] = 2;
    byte[] graphics = new byte[256];
    graphics[5] = 0x10;
    graphics[6] = 0x0e;
    graphics[8] = (byte) 0xff;
    List<Integer> dispi = new ArrayList<>(Collections.nCopies(10, 0));
    dispi.set(0, 0xb0c5);
    return new VgaState(
        0x67,
        0,
        0,
        Bytes.of(sequencer),
        0,
        Bytes.of(graphics),
        0x20,
        Bytes.zero(21),
        false,
        0,
        Bytes.zero(256),
        0,
        0,
        0,
        0,
        Bytes.zero(768),
        0,
        dispi,
        0,
        FRAMEBUFFER_BYTES,
        FRAMEBUFFER_OFFSET);
  }

  private VgaStub vga(VgaState state) {
    VgaStub vga =
        new VgaStub(
            state,
            machine.memory,
            map -> {
              maps.add(map);
              machine.memory.remap(map);
            });
    vga.attach(machine.ports, machine.mmio);
    return vga;
  }

  private void register(int port, int index, int value) {
    machine.ports.write(port, 2, value << 8 | index);
  }

  private int bochs(int index) {
    machine.ports.write(0x1ce, 2, index);
    return machine.ports.read(0x1cf, 2);
  }

  private void bochs(int index, int value) {
    machine.ports.write(0x1ce, 2, index);
    machine.ports.write(0x1d0, 2, value);
  }

  @Test
  void textReadsBackAndIsDirty() {
    vga(text());
    machine.mmio.write(0xb8000, 2, 0x0741);
    machine.mmio.write(0xb8f9e, 4, 0x0743_0742L);
    assertThat(machine.mmio.read(0xb8000, 2)).isEqualTo(0x0741);
    assertThat(machine.mmio.read(0xb8f9e, 4)).isEqualTo(0x0743_0742L);
    assertThat(machine.mmio.read(0xa0000, 1)).isEqualTo(0xff);
    assertThat(machine.memory.deviceWrites().contains((int) (FRAMEBUFFER_OFFSET / 4096))).isTrue();
  }

  @Test
  void fontsGoThroughPlaneTwo() {
    vga(text());
    register(0x3c4, 2, 4);
    register(0x3c4, 4, 6);
    register(0x3ce, 4, 2);
    register(0x3ce, 5, 0);
    register(0x3ce, 6, 4);
    machine.mmio.write(0xa0040, 1, 0x7e);
    assertThat(machine.mmio.read(0xa0040, 1)).isEqualTo(0x7e);
    assertThat(machine.memory.u8(FRAMEBUFFER_OFFSET + 0x40 * 4 + 2)).isEqualTo(0x7e);
    assertThat(machine.memory.u8(FRAMEBUFFER_OFFSET + 0x40 * 4)).isZero();
  }

  @Test
  void planesAreCopiedThroughTheLatch() {
    vga(text());
    register(0x3c4, 2, 0xf);
    register(0x3ce, 5, 2);
    register(0x3ce, 6, 5);
    machine.mmio.write(0xa0000, 1, 0x5);
    assertThat(machine.memory.u32(FRAMEBUFFER_OFFSET)).isEqualTo(0x00ff00ff);
    machine.mmio.read(0xa0000, 1);
    register(0x3ce, 5, 1);
    machine.mmio.write(0xa0001, 1, 0);
    assertThat(machine.memory.u32(FRAMEBUFFER_OFFSET + 4)).isEqualTo(0x00ff00ff);
    register(0x3ce, 5, 0);
    register(0x3ce, 8, 0x0f);
    register(0x3ce, 3, 0x18);
    machine.mmio.write(0xa0001, 1, 0xff);
    assertThat(machine.memory.u32(FRAMEBUFFER_OFFSET + 4)).isEqualTo(0x0ff00ff0);
  }

  @Test
  void registersKeepTheirBits() {
    vga(text());
    register(0x3c4, 1, 0xff);
    assertThat(machine.ports.read(0x3c5, 1)).isEqualTo(0x3d);
    machine.ports.read(0x3da, 1);
    machine.ports.write(0x3c0, 1, 0x10);
    machine.ports.write(0x3c0, 1, 0x0c);
    machine.ports.read(0x3da, 1);
    machine.ports.write(0x3c0, 1, 0x30);
    assertThat(machine.ports.read(0x3c1, 1)).isEqualTo(0x0c);
    machine.ports.write(0x3c8, 1, 7);
    for (int colour = 1; colour <= 3; colour++) {
      machine.ports.write(0x3c9, 1, colour);
    }
    machine.ports.write(0x3c7, 1, 7);
    assertThat(machine.ports.read(0x3c9, 1)).isEqualTo(1);
    assertThat(machine.ports.read(0x3c9, 1)).isEqualTo(2);
    assertThat(machine.ports.read(0x3b5, 1)).isEqualTo(0xff);
    register(0x3d4, 0x0e, 0x12);
    assertThat(machine.ports.read(0x3d5, 1)).isEqualTo(0x12);
  }

  @Test
  void aBochsModeIsSetAndReadBack() {
    vga(text());
    machine.memory.putU8(FRAMEBUFFER_OFFSET, 0x55);
    assertThat(bochs(0)).isEqualTo(0xb0c5);
    assertThat(bochs(10)).isEqualTo(16);
    bochs(1, 640);
    bochs(2, 400);
    bochs(3, 32);
    bochs(4, 0x41);
    assertThat(bochs(6)).isEqualTo(640);
    assertThat(bochs(7)).isEqualTo((1 << 20) / 2560);
    assertThat(machine.memory.u8(FRAMEBUFFER_OFFSET)).isZero();
    bochs(5, 2);
    machine.mmio.write(0xa0010, 4, 0x11223344);
    assertThat(machine.memory.u32(FRAMEBUFFER_OFFSET + 0x20010)).isEqualTo(0x11223344);
    bochs(4, 2);
    assertThat(bochs(1)).isEqualTo(16_000);
  }

  @Test
  void theRegisterWindowReachesPortsAndBochsRegisters() {
    VgaStub vga = vga(text());
    MmioDevice window = vga.registerWindow();
    window.write(0x502, 2, 800);
    assertThat(window.read(0x502, 2)).isEqualTo(800);
    assertThat(bochs(1)).isEqualTo(800);
    assertThat(window.read(0x514, 2)).isEqualTo(16);
    assertThat(window.read(0x40c, 1)).isEqualTo(0x67);
    assertThat(window.read(0x604, 4)).isEqualTo(0x1e1e1e1eL);
    assertThat(window.read(0, 4)).isZero();
  }

  @Test
  void theFramebufferFollowsItsBaseRegister() {
    byte[] config = new byte[256];
    config[4] = 3;
    config[0x10] = 8;
    config[0x13] = (byte) 0xfd;
    PciFunction state =
        new PciFunction(
            new PciAddress(0, 2, 0),
            PciRole.VGA,
            Bytes.of(config),
            List.of(
                new PciBar(0, false, false, true, FRAMEBUFFER_BYTES),
                new PciBar(2, false, false, false, 4096)),
            Optional.empty(),
            0);
    PciChipset function = PciChipset.vga(state, machine.bus, vga(text()));
    assertThat(framebuffer()).containsExactly(0xfd00_0000L);
    function.writeConfig(4, 2, 0);
    assertThat(framebuffer()).isEmpty();
    function.writeConfig(0x10, 4, 0xfc00_0000);
    function.writeConfig(4, 2, 3);
    assertThat(framebuffer()).containsExactly(0xfc00_0000L);
    function.writeConfig(0x10, 4, 0x0010_0000);
    assertThat(framebuffer()).isEmpty();
    function.writeConfig(0x14 + 4, 4, 0xfe00_0000);
    assertThat(machine.mmio.read(0xfe00_0500L, 2)).isEqualTo(0xb0c5);
    int before = maps.size();
    vga(text());
    assertThat(maps).hasSize(before);
  }

  private List<Long> framebuffer() {
    return machine.memory.map().regions().stream()
        .filter(region -> region.kind() == MemoryKind.FRAMEBUFFER)
        .map(region -> region.gpa())
        .toList();
  }

  @Test
  void aFramebufferOutsideTheBackingIsRefused() {
    VgaState good = text();
    VgaState wrong =
        new VgaState(
            0x67,
            0,
            0,
            good.sequencer(),
            0,
            good.graphics(),
            0,
            good.attribute(),
            false,
            0,
            good.crtc(),
            0,
            0,
            0,
            0,
            good.palette(),
            0,
            good.dispi(),
            0,
            FRAMEBUFFER_BYTES,
            FakeMachine.RAM_BYTES);
    assertThatThrownBy(() -> new VgaStub(wrong, machine.memory, map -> {}))
        .isInstanceOf(InvalidMachineStateException.class)
        .hasMessageContaining("framebuffer");
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x3c0);
    for (int round = 0; round < 200; round++) {
      VgaStub vga = vga(text());
      for (int step = 0; step < 60; step++) {
        switch (random.nextInt(4)) {
          case 0 -> machine.ports.write(0x3c0 + random.nextInt(32), 1, random.nextInt(256));
          case 1 -> machine.ports.read(0x3c0 + random.nextInt(32), 1);
          case 2 -> bochs(random.nextInt(12), random.nextInt(0x10000));
          default -> {
            machine.mmio.write(0xa0000 + random.nextInt(0x1fff8), 4, random.nextInt());
            machine.mmio.read(0xa0000 + random.nextInt(0x1fff8), 4);
          }
        }
      }
      VgaState state = vga.state();
      assertThat(vga(state).state()).isEqualTo(state);
    }
  }
}

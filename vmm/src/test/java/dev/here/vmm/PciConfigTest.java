package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.MsixEntry;
import dev.here.machine.MsixState;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.PciState;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class PciConfigTest {
  private final PortBus ports = new PortBus();
  private final MmioBus mmio = new MmioBus();
  private final List<String> messages = new ArrayList<>();
  private final List<String> wires = new ArrayList<>();
  private final PciBus bus =
      new PciBus(
          new PciState(0, List.of(), 0),
          ports,
          mmio,
          (address, data) -> messages.add("%x:%x".formatted(address, data)),
          (function, pin, asserted) -> wires.add(function + " " + pin + " " + asserted),
          () -> messages.add("reset"));

  private static PciFunction function(int command) {
    byte[] config = new byte[256];
    config[0] = (byte) 0xf4;
    config[1] = 0x1a;
    config[4] = (byte) command;
    config[6] = 0x10;
    config[0x10] = 1;
    config[0x11] = (byte) 0xc0;
    config[0x14] = 0;
    config[0x17] = (byte) 0xfe;
    config[0x20] = 0x0c;
    config[0x34] = (byte) 0x98;
    config[0x3d] = 1;
    config[0x98] = 0x11;
    config[0x9a] = 1;
    config[0x9c] = 1;
    config[0xa0] = 1;
    config[0xa1] = 0x08;
    return new PciFunction(
        new PciAddress(0, 3, 0),
        PciRole.VIRTIO,
        Bytes.of(config),
        List.of(
            new PciBar(0, true, false, false, 64),
            new PciBar(1, false, false, false, 4096),
            new PciBar(4, false, true, true, 0x4000)),
        Optional.of(
            new MsixState(0x98, Collections.nCopies(2, new MsixEntry(0, 0, true)), Bytes.zero(8))),
        0);
  }

  private PciConfig onBus(int command) {
    PciConfig config = new PciConfig(function(command), bus);
    bus.add(
        new PciDevice() {
          @Override
          public PciAddress address() {
            return config.address();
          }

          @Override
          public int readConfig(int offset, int sizeBytes) {
            return config.read(offset, sizeBytes);
          }

          @Override
          public void writeConfig(int offset, int sizeBytes, int value) {
            config.write(offset, sizeBytes, value);
          }

          @Override
          public PciFunction state() {
            return config.state();
          }
        });
    return config;
  }

  private int readConfig(int register) {
    ports.write(0xcf8, 4, 0x80001800 | register);
    return ports.read(0xcfc, 4);
  }

  private void writeConfig(int register, int value) {
    ports.write(0xcf8, 4, 0x80001800 | register);
    ports.write(0xcfc, 4, value);
  }

  @Test
  void keepsItsStateAcrossARestore() {
    assertThat(onBus(7).state()).isEqualTo(function(7));
  }

  @Test
  void sizesBarsAndMovesPorts() {
    PciConfig config = onBus(0);
    config.bar(0, new OffsetEcho());
    assertThat(ports.read(0xc004, 1)).isEqualTo(0xff);
    writeConfig(0x10, -1);
    assertThat(readConfig(0x10)).isEqualTo(0xffffffc1);
    writeConfig(0x10, 0xd001);
    writeConfig(0x04, 1);
    assertThat(ports.read(0xd004, 1)).isEqualTo(4);
    writeConfig(0x10, 0xd041);
    assertThat(ports.read(0xd004, 1)).isEqualTo(0xff);
    assertThat(ports.read(0xd044, 1)).isEqualTo(4);
    writeConfig(0x04, 0);
    assertThat(ports.read(0xd044, 1)).isEqualTo(0xff);
  }

  @Test
  void movesAWideBarOfMemory() {
    PciConfig config = onBus(2);
    List<OptionalLong> places = new ArrayList<>();
    config.bar(4, places::add);
    writeConfig(0x20, -1);
    writeConfig(0x24, -1);
    assertThat(readConfig(0x20)).isEqualTo(0xffffc00c);
    assertThat(readConfig(0x24)).isEqualTo(-1);
    writeConfig(0x24, 0x20);
    writeConfig(0x20, 0x8000);
    assertThat(places.getFirst()).isEmpty();
    assertThat(places.getLast()).isEqualTo(OptionalLong.of(0x20_0000_8000L));
  }

  @Test
  void identityIsReadOnlyAndAbsentFunctionsReadOnes() {
    onBus(0);
    writeConfig(0, 0);
    assertThat(readConfig(0)).isEqualTo(0x1af4);
    ports.write(0xcf8, 4, 0x80002000);
    assertThat(ports.read(0xcfc, 4)).isEqualTo(-1);
    ports.write(0xcf8, 4, 0x00001800);
    assertThat(ports.read(0xcfc, 4)).isEqualTo(-1);
  }

  @Test
  void interruptDisableSilencesTheWireButNotTheStatus() {
    PciConfig config = onBus(0);
    config.interrupt(true);
    assertThat(wires).endsWith("00:03.0 0 true");
    writeConfig(4, 0x400);
    assertThat(wires).endsWith("00:03.0 0 false");
    assertThat(readConfig(4) >> 16 & 8).isEqualTo(8);
  }

  @Test
  void msixKeepsAMaskedVectorPendingUntilItIsUnmasked() {
    PciConfig config = onBus(2);
    Msix msix = config.msix().orElseThrow();
    config.bar(msix.bar(), msix);
    msix.signal(1);
    assertThat(msix.state().pending()).isEqualTo(Bytes.zero(8));
    writeConfig(0x98, 0x80000000);
    mmio.write(0xfe000010L, 4, 0xfee01000L);
    mmio.write(0xfe000018L, 4, 0x4041);
    msix.signal(1);
    assertThat(messages).isEmpty();
    assertThat(mmio.read(0xfe000800L, 8)).isEqualTo(2);
    mmio.write(0xfe00001cL, 4, 0);
    assertThat(messages).containsExactly("fee01000:4041");
    assertThat(mmio.read(0xfe000800L, 8)).isZero();
    writeConfig(0x98, 0xc0000000);
    msix.signal(1);
    assertThat(messages).hasSize(1);
    writeConfig(0x98, 0x80000000);
    assertThat(messages).hasSize(2);
  }

  @Test
  void resetControlResets() {
    ports.write(0xcf9, 1, 2);
    assertThat(messages).isEmpty();
    ports.write(0xcf9, 1, 6);
    assertThat(messages).containsExactly("reset");
  }

  /** Reads as the offset that was asked. */
  private static final class OffsetEcho implements MmioDevice {
    @Override
    public long read(long offset, int sizeBytes) {
      return offset;
    }

    @Override
    public void write(long offset, int sizeBytes, long value) {}
  }
}

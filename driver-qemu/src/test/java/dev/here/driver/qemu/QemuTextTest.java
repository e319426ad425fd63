package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.HypervisorException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Readers of the human monitor's texts and of command lines, also on damaged input. */
class QemuTextTest {
  private static final String QTREE =
      """
      bus: main-system-bus
        type System
        dev: hpet, id ""
          gpio-in "" 2
          msi = false
          mmio 00000000fed00000/0000000000000400
        dev: i440FX-pcihost, id ""
          pci-hole64-size = 2147483648 (2 GiB)
          bus: pci.0
            type PCI
            dev: virtio-net-pci, id "nic0"
              addr = 03.0
              class Ethernet controller, addr 00:03.0, pci id 1af4:1000 (sub 1af4:0001)
              bus: virtio-bus
                type virtio-pci-bus
                dev: virtio-net-device, id ""
                  mac = "52:54:00:12:34:56"
                  netdev = "n0"
                  mq = false
            dev: PIIX3, id ""
              multifunction = true
      """;
  private static final String RAMBLOCK =
      """
                    Block Name    PSize              Offset               Used              Total
                        pc.ram    4 KiB  0x0000000000000000 0x0000000004000000 0x0000000004000000
          /rom@etc/acpi/tables    4 KiB  0x0000000005100000 0x0000000000020000 0x0000000000200000
      """;
  private static final String NETWORK =
      """
      nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56
       \\ n0: index=0,type=tap,ifname=tap0,script=no,downscript=no
       filters:
         - theirs: type=filter-buffer,netdev=n0,interval=1000
      n1: index=0,type=tap,ifname=tap1,script=no,downscript=no
      n1: index=1,type=tap,ifname=tap1,script=no,downscript=no
      """;

  @Test
  void theTreeKeepsDevicesParentsAndProperties() {
    List<QtreeDevice> devices = QtreeText.parse(QTREE);
    assertThat(devices)
        .extracting(QtreeDevice::type)
        .containsExactly("hpet", "i440FX-pcihost", "virtio-net-pci", "virtio-net-device", "PIIX3");
    assertThat(devices).extracting(QtreeDevice::parent).containsExactly(-1, -1, 1, 2, 1);
    assertThat(devices.get(1).property("pci-hole64-size")).contains("2147483648");
    assertThat(devices.get(2).bus()).isEqualTo("pci.0");
    assertThat(devices.get(2).label()).isEqualTo("virtio-net-pci (id nic0)");
    assertThat(devices.get(3).property("mac")).contains("52:54:00:12:34:56");
    assertThat(devices.get(4).isOn("multifunction")).isTrue();
  }

  @Test
  void ramBlocksKeepOrderAndBothSizes() {
    assertThat(RamblockText.parse(RAMBLOCK))
        .containsExactly(
            new QemuRamBlock("pc.ram", 0x4000000, 0x4000000),
            new QemuRamBlock("/rom@etc/acpi/tables", 0x20000, 0x200000));
    assertThatThrownBy(() -> RamblockText.parse(RAMBLOCK + "what is this\n"))
        .isInstanceOf(HypervisorException.class)
        .hasMessageContaining("what is this");
  }

  @Test
  void networkShowsBackendsQueuesAndFilters() {
    NetworkText network = NetworkText.parse(NETWORK);
    assertThat(network.hubs()).isFalse();
    assertThat(network.backend("n0").orElseThrow())
        .isEqualTo(
            new NetworkText.Backend(
                "tap", "ifname=tap0,script=no,downscript=no", 1, List.of("theirs")));
    assertThat(network.backend("n1").orElseThrow().queues()).isEqualTo(2);
    assertThat(NetworkText.parse("hub 0\n \\ hub0port1: #net1: index=0,type=user\n").hubs())
        .isTrue();
  }

  @Test
  void commandLinesAreCutIntoOptions() {
    var line =
        QemuCommandLine.of(
            List.of(
                "/usr/bin/qemu-system-x86_64",
                "-enable-kvm",
                "--cpu",
                "host,migratable=on",
                "-m",
                "256",
                "disk.img",
                "-smp",
                "2"));
    assertThat(line.has("enable-kvm")).isTrue();
    assertThat(line.last("cpu")).contains("host,migratable=on");
    assertThat(line.values("drive")).containsExactly("disk.img");
    assertThat(QemuCommandLine.suboptions("pc,accel=kvm,x=a,,b,usb", "type"))
        .isEqualTo(Map.of("type", "pc", "accel", "kvm", "x", "a,b", "usb", "on"));
  }

  @Test
  void aBackEndsOptionsAreReadAsWordsAndAsJson() {
    var line =
        QemuCommandLine.of(
            List.of(
                "qemu",
                "-netdev",
                "tap,id=n0,sndbuf=65536",
                "-netdev",
                "{\"type\":\"tap\",\"fd\":\"33\",\"sndbuf\":1600,\"id\":\"n1\"}",
                "-netdev",
                "tap,id=n2"));
    assertThat(line.backEndOption("n0", "sndbuf")).contains("65536");
    assertThat(line.backEndOption("n1", "sndbuf")).contains("1600");
    assertThat(line.backEndOption("n2", "sndbuf")).isEmpty();
  }

  @Test
  void damagedTextsAreReadOrRefusedButNeverCrash() {
    mutate(QTREE, QtreeText::parse);
    mutate(RAMBLOCK, RamblockText::parse);
    mutate(NETWORK, NetworkText::parse);
  }

  private static void mutate(String text, Consumer<String> reader) {
    for (long seed = 0; seed < 2000; seed++) {
      var random = new SplittableRandom(seed);
      byte[] octets = text.getBytes(StandardCharsets.ISO_8859_1);
      for (int edits = 1 + random.nextInt(8); edits > 0; edits--) {
        octets[random.nextInt(octets.length)] = (byte) random.nextInt(256);
      }
      String damaged =
          new String(octets, 0, 1 + random.nextInt(octets.length), StandardCharsets.ISO_8859_1);
      try {
        reader.accept(damaged);
      } catch (HypervisorException refused) {
        assertThat(refused.getMessage()).as("seed %d", seed).isNotBlank();
      }
    }
  }
}

package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.UnprotectableException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inventories of real command lines, and what is refused of them. */
@Tag("qemu")
class QemuPreflightTest {
  private static final String TCG_REASON = "QEMU emulates the CPU (TCG)";

  @TempDir Path folder;

  private static List<String> reasonsBesidesTcg(QemuInventory inventory) {
    List<String> reasons = QemuPreflight.reasons(inventory);
    assertThat(reasons).filteredOn(r -> r.startsWith(TCG_REASON)).hasSize(1);
    return reasons.stream().filter(r -> !r.startsWith(TCG_REASON)).toList();
  }

  @Test
  void aPlainGuestWithVirtioAndAReadOnlyDiskHasOnlyTcgAgainstIt() throws Exception {
    Path disk = folder.resolve("disk.img");
    Files.write(disk, new byte[1 << 20]);
    try (var qemu =
        RunningQemu.start(
            folder,
            "-machine",
            "pc-i440fx-7.2",
            "-m",
            "64",
            "-smp",
            "2",
            "-name",
            "plain",
            "-nic",
            "none",
            "-device",
            "virtio-net-pci,mac=52:54:00:00:00:01,mq=on",
            "-drive",
            "file=" + disk + ",format=raw,if=virtio,readonly=on",
            "-device",
            "virtio-rng-pci",
            "-device",
            "isa-debug-exit")) {
      QemuInventory inventory = qemu.inventory();
      assertThat(reasonsBesidesTcg(inventory)).isEmpty();
      assertThat(inventory.machineType()).isEqualTo("pc-i440fx-7.2");
      assertThat(inventory.vmName()).isEqualTo("plain");
      assertThat(inventory.process().pid()).isEqualTo(qemu.process().pid());
      assertThat(inventory.vcpus()).hasSize(2);
      assertThat(inventory.disks())
          .singleElement()
          .satisfies(d -> {
            assertThat(d.file()).isEqualTo(disk.toString());
            assertThat(d.sizeBytes()).isEqualTo(1 << 20);
            assertThat(d.writable()).isFalse();
            assertThat(d.device()).isEqualTo("virtio-blk-device");
            assertThat(d.sha256())
                .isEqualTo("30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58");
          });
      assertThat(inventory.ramBlocks().getFirst())
          .isEqualTo(new QemuRamBlock("pc.ram", 64 << 20, 64 << 20));
      assertThat(inventory.memoryTree()).contains("pc.bios");
      assertThat(inventory.process().runState()).isEqualTo(QemuProcess.RunState.LIVE);
    }
  }

  @Test
  void whatCannotBeCarriedIsNamedWithARemedyEach() throws Exception {
    Path disk = folder.resolve("disk.img");
    Files.write(disk, new byte[1 << 20]);
    try (var qemu =
        RunningQemu.start(
            folder,
            "-machine",
            "q35",
            "-m",
            "64",
            "-smp",
            "9",
            "-netdev",
            "user,restrict=on,id=n0",
            "-device",
            "e1000,netdev=n0,id=card",
            "-drive",
            "file=" + disk + ",format=raw,if=virtio",
            "-device",
            "virtio-balloon-pci",
            "-cpu",
            "qemu64")) {
      assertThat(reasonsBesidesTcg(qemu.inventory()))
          .contains(
              "machine type pc-q35-7.2 has not been tested: start QEMU with -machine"
                  + " pc-i440fx-7.2",
              "the guest has 9 vCPUs: give it at most 8 (-smp)",
              "device e1000 (id card) cannot be carried: use model=virtio-net-pci for the card",
              "drive virtio0 (%s) is writable and not shared, and disks are not replicated yet:"
                      .formatted(disk)
                  + " attach it with readonly=on, or, if both hosts reach it, with share-rw=on")
          .anyMatch(r -> r.startsWith("device virtio-balloon-pci (at PCI "))
          .anyMatch(r -> r.startsWith("device ich9-ahci"));
      assertThatThrownBy(() -> QemuPreflight.require(qemu.inventory()))
          .isInstanceOf(UnprotectableException.class)
          .hasMessageContaining("start it with -accel kvm");
    }
  }

  @Test
  void aMediumInTheCdDriveHubsAndAPausedGuestAreRefused() throws Exception {
    Path disk = folder.resolve("cd.iso");
    Files.write(disk, new byte[1 << 20]);
    try (var qemu =
        RunningQemu.start(
            folder,
            "-machine",
            "pc",
            "-m",
            "64",
            "-S",
            "-cdrom",
            disk.toString(),
            "-net",
            "nic,model=virtio",
            "-net",
            "user,restrict=on")) {
      assertThat(reasonsBesidesTcg(qemu.inventory()))
          .anyMatch(r ->
              r.equals(
                  "drive ide1-cd0 (%s) holds a removable medium: eject it (QMP eject)"
                      .formatted(disk)))
          .anyMatch(r -> r.startsWith("the network uses emulated hubs"))
          .anyMatch(r -> r.startsWith("the guest does not run (QEMU's state is prelaunch)"))
          .hasSize(3);
    }
  }

  @Test
  void filtersAndBackEndsWithoutAPortAreRefusedByName() throws Exception {
    try (var qemu =
        RunningQemu.start(
            folder,
            "-machine",
            "pc",
            "-m",
            "64",
            "-nic",
            "user,restrict=on,model=virtio-net-pci,id=n0,mac=52:54:00:00:00:07",
            "-object",
            "filter-buffer,id=theirs,netdev=n0,interval=1000")) {
      assertThat(reasonsBesidesTcg(qemu.inventory()))
          .containsExactlyInAnyOrder(
              "filter theirs is on n0: remove it (QMP object-del)",
              "the frames of virtio-net-pci (52:54:00:00:00:07) do not leave by a TAP of this host"
                  + " but by user: give the card a TAP in a bridge");
      assertThat(qemu.inventory().nics())
          .containsExactly(new QemuNic("virtio-net-pci", "52:54:00:00:00:07", "n0", "user", "", 1));
    }
  }
}

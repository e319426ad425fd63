package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabPlanTest {
  private static final LabGuest PLAIN =
      new LabGuest(
          "x", 1, 128, List.of(LabCard.usual("52:54:00:12:34:57", "10.88.0.51")), true, false);

  @Test
  void numbersHosts() {
    LabPlan plan = LabPlan.pair(List.of());
    assertThat(plan.number("kvm-a")).isEqualTo(11);
    assertThat(plan.number("kvm-b")).isEqualTo(12);
    assertThatThrownBy(() -> plan.number("kvm-c"))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("kvm-c");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Kvm", "a b", "../x", "abcdefghijk", "a;b"})
  void refusesNamesThatAreNoDeviceNames(String name) {
    assertThatThrownBy(() -> new LabPlan(List.of(name), 512, 1, List.of()))
        .isInstanceOf(LabException.class);
  }

  @Test
  void namesOfTapsFitTheKernel() {
    for (HostNetwork network : HostNetwork.values()) {
      assertThat(network.tap("abcdefghij").length()).isLessThanOrEqualTo(15);
    }
  }

  @Test
  void aHostsNameSaysItsRole() {
    LabPlan plan = new LabPlan(List.of("xen", "xen-b", "kvm"), 512, 1, List.of());
    assertThat(plan.hosts().stream().map(HostRole::of))
        .containsExactly(HostRole.XEN, HostRole.XEN, HostRole.KVM);
  }

  @Test
  void guestsBelongToHostsOfThePlan() {
    LabPlan plan = new LabPlan(List.of("xen", "kvm"), 512, 1, List.of());
    LabGuest guest = LabGuest.demo(1);
    assertThat(plan.withGuest("xen", guest).guests()).containsOnlyKeys("xen");
    assertThat(plan.withGuest("xen:2").guests().values()).containsExactly(LabGuest.demo(2));
    assertThat(plan.withGuest("xen:2:cards").guests().values())
        .containsExactly(LabGuest.twoCards(2));
    assertThat(plan.withGuest("kvm").guests().values()).containsExactly(LabGuest.demo(1));
    assertThatThrownBy(() -> plan.withGuest("xen:0")).isInstanceOf(LabException.class);
    assertThatThrownBy(() -> plan.withGuest("kvm-c", guest))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("kvm-c");
  }

  @Test
  void xenBootsWithItsFirstDomainsKernelAsAModule() {
    HostImage image = new HostImage(Path.of("/images/x"));
    assertThat(HostRole.XEN.bootOptions(image, 2048))
        .containsSequence("-kernel", "/images/x/xen")
        .anyMatch(word -> word.startsWith("/images/x/host-vmlinux quiet role=xen "))
        .anyMatch(word -> word.startsWith("dom0_mem=1024M,max:1024M "));
    assertThat(HostRole.KVM.bootOptions(image, 2048))
        .containsSequence("-kernel", "/images/x/host-vmlinux")
        .noneMatch(word -> word.contains("dom0"));
  }

  @Test
  void emulatedHostsCopyByWordsAndXensLacksMorePartsOfTheCpu() {
    assertThat(Acceleration.TCG.options(HostRole.KVM)).endsWith("-cpu", "max,-erms");
    assertThat(String.join(" ", Acceleration.TCG.options(HostRole.XEN)))
        .contains("-erms", "-smap", "-avx");
    assertThat(Acceleration.KVM.options(HostRole.XEN)).endsWith("-cpu", "host");
  }

  @Test
  void aDomainHasTheGuestsDevicesAndDoesNotLookForXen() {
    String domain = new XenDomain(LabGuest.demo(2)).configuration();
    assertThat(domain)
        .contains("type=\"hvm\"", "vcpus=2", "memory=128", "xen_nopv", "xen_platform_pci=0")
        .contains("virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56", "virtio-blk-pci")
        .contains("readonly=on", "isa-debug-exit", "tsc_early_khz=", "hpet=0");
    assertThat(new XenDomain(PLAIN).configuration())
        .contains("xen_nopv")
        .doesNotContain("isa-debug-exit", "hpet", "tsc_", "mitigations");
    assertThatThrownBy(() -> new XenDomain(LabGuest.twoCards(2)))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("vhost");
  }

  @Test
  void faultsHaveNames() {
    assertThat(LabFault.of("dm-crash")).contains(LabFault.DM_CRASH);
    assertThat(LabFault.of("DM_CRASH")).isEmpty();
  }

  @Test
  void theGuestsCommandLineNamesItsNetworkAndDisk() {
    assertThat(LabGuest.demo(2).command())
        .contains("-nic tap,", "readonly=on", "-smp 2", "isa-debug-exit", "tsc=reliable");
    assertThat(PLAIN.command()).doesNotContain("isa-debug-exit").doesNotContain("mitigations");
  }

  @Test
  void cardsSayTheirQueuesPortsAndAddresses() {
    LabGuest guest = LabGuest.twoCards(2);
    assertThat(guest.command())
        .contains(
            "-netdev tap,id=net0,script=/etc/qemu-ifup,downscript=no,vhost=on,queues=2"
                + " -device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,mq=on,vectors=6,",
            "-netdev tap,id=net1,script=/etc/qemu-ifup.br1.100,downscript=no,vhost=on,queues=2"
                + " -device virtio-net-pci,netdev=net1,mac=52:54:00:12:34:66,mq=on,vectors=6,"
                + "host_mtu=9000",
            "here.ip=10.88.0.50/24 here.ip1=10.88.4.50/24");
    assertThatThrownBy(() -> new LabCard("52:54:00:12:34:56", "10.88.4.9", 1, true, 101, 9000))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("101");
    assertThatThrownBy(() -> new LabGuest("x", 1, 128, List.of(), true, false))
        .isInstanceOf(LabException.class);
  }
}

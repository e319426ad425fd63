package dev.here.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Which hypervisor a virtual host runs: what its image is made of, which CPU it has where it is
 * emulated, how it boots. A host's name says its role: a Xen host's starts with "xen".
 *
 * <p>No emulated CPU has ERMS: kernels then copy and clear memory by {@code rep movsb}, which
 * QEMU's translator executes octet by octet, eight times as often as {@code rep movsq}.
 */
enum HostRole {
  /** Linux with KVM. */
  KVM(List.of(), "max,-erms"),
  /**
   * Xen 4.17 with Linux as dom0. Emulated, its CPU lacks what kills dom0 (SMAP) or HVM guests
   * (RDTSCP), and AVX, whose state Xen 4.17 loses under QEMU's emulation: dom0's programs then see
   * their memory corrupted.
   */
  XEN(
      List.of(
          "xen-hypervisor-4.17-amd64",
          "xen-utils-4.17",
          "xenstore-utils",
          "qemu-system-xen",
          "seabios"),
      "max,-erms,-smap,-smep,-pku,-la57,-rdtscp,-avx,-avx2,-fma,-f16c,-xsave");

  private static final String LINUX =
      "quiet role=%s mitigations=off nokaslr random.trust_cpu=on ipv6.disable=1 console=%s";

  private final List<String> hypervisor;
  private final String emulatedCpu;

  HostRole(List<String> hypervisor, String emulatedCpu) {
    this.hypervisor = hypervisor;
    this.emulatedCpu = emulatedCpu;
  }

  /** The role of the host with this name. */
  static HostRole of(String host) {
    return host.startsWith("xen") ? XEN : KVM;
  }

  /** The role's short name in files and on the kernel's command line. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Debian packages of the role's image. */
  List<String> packages() {
    List<String> packages = new ArrayList<>(LabPackages.HOST);
    packages.addAll(hypervisor);
    return packages;
  }

  /** QEMU's model of the host's CPU under its translator. */
  String emulatedCpu() {
    return emulatedCpu;
  }

  /**
   * QEMU's options that boot the host. Linux as a KVM host is started by its PVH entry; Xen by
   * multiboot, with dom0's kernel and initrd as its modules.
   *
   * @param memoryMebibytes the host's memory; dom0 gets half of it, guests the rest
   */
  List<String> bootOptions(HostImage image, int memoryMebibytes) {
    return switch (this) {
      case KVM ->
          List.of(
              "-kernel",
              image.kernel().toString(),
              "-initrd",
              image.initrd().toString(),
              "-append",
              LINUX.formatted(label(), "ttyS0"));
      case XEN -> {
        String dom0 = memoryMebibytes / 2 + "M";
        yield List.of(
            "-kernel",
            image.xen().toString(),
            "-initrd",
            "%s %s,%s".formatted(image.kernel(), LINUX.formatted(label(), "hvc0"), image.initrd()),
            "-append",
            ("dom0_mem=%1$s,max:%1$s console=com1 com1=115200,8n1 loglvl=warning"
                    + " guest_loglvl=warning noreboot spec-ctrl=no,eager-fpu")
                .formatted(dom0));
      }
    };
  }

  /**
   * A command that prints the TSC's rate in MHz, with a fraction: what the role's hypervisor takes
   * it for.
   */
  String tscCommand() {
    return switch (this) {
      case KVM ->
          "dmesg | grep -o 'Refined TSC clocksource calibration: [0-9.]*\\|Detected [0-9.]* MHz'"
              + " | grep -o '[0-9.]*' | tail -n 1";
      case XEN -> "xl info | sed -n 's/^cpu_mhz *: //p'";
    };
  }

  /** A command that prints the process ids of the device models of the host's guests. */
  String deviceModelsCommand() {
    return switch (this) {
      case KVM -> "pgrep -f ^qemu-system-x86_64";
      case XEN ->
          "for id in $(xenstore-list /local/domain); do"
              + " xenstore-read /local/domain/$id/image/device-model-pid 2>/dev/null; done";
    };
  }
}

package dev.here.lab;

import java.util.ArrayList;
import java.util.List;

/**
 * A {@link LabGuest} as an HVM domain of a Xen host, started by stock {@code xl}: its disk and
 * network device are virtio devices of the device model, as on KVM, and its kernel is told not to
 * look for Xen.
 *
 * @param guest what is to run
 */
record XenDomain(LabGuest guest) {
  /** Checks that a device model can serve the cards: it does not have the guest's memory. */
  XenDomain {
    if (guest.cards().stream().anyMatch(LabCard::vhost)) {
      throw new LabException(
          "guest %s has a card with vhost, which Xen's device model cannot have"
              .formatted(guest.name()));
    }
  }

  /** Without these a guest works too; they make it boot quicker on an emulated host. */
  private static final String QUICK = "hpet=0\ntsc_mode=\"native\"\n";

  /**
   * The TSC's rate as Xen measured it, filled in by the host's shell: the guest's own measurement
   * fails on an emulated host, and it would then use a slower clock.
   */
  private static final String QUICK_KERNEL =
      " tsc_early_khz=$(xl info | sed -n 's/^cpu_mhz *: *\\([0-9]*\\)[.]\\([0-9]*\\)/\\1\\2/p')";

  /** Path of the domain's configuration on its host. */
  String configurationFile() {
    return "/run/guest-" + guest.name() + ".cfg";
  }

  /** The configuration, in the form of xl.cfg(5), with commands in it for the host's shell. */
  String configuration() {
    List<String> model = new ArrayList<>();
    for (int i = 0; i < guest.cards().size(); i++) {
      LabCard card = guest.cards().get(i);
      model.add("-netdev");
      model.add(card.backEnd("net" + i));
      model.add("-device");
      model.add(card.device("net" + i));
    }
    model.add("-drive");
    model.add("file=/opt/guest/disk.img,format=raw,if=none,id=disk0,readonly=on");
    model.add("-device");
    model.add("virtio-blk-pci,drive=disk0");
    if (guest.debugExit()) {
      model.add("-device");
      model.add("isa-debug-exit,iobase=0x500,iosize=0x04");
    }
    return """
    name="%s"
    type="hvm"
    memory=%d
    vcpus=%d
    kernel="/opt/guest/vmlinuz"
    ramdisk="/opt/guest/initrd.cpio"
    extra="%s xen_nopv%s"
    serial="file:%s"
    vga="none"
    vnc=0
    usb=0
    xen_platform_pci=0
    %sdevice_model_args_hvm=["%s"]
    """
        .formatted(
            guest.name(),
            guest.memoryMebibytes(),
            guest.cpus(),
            guest.kernelLine(),
            guest.plain() ? "" : QUICK_KERNEL,
            guest.consoleLog(),
            guest.plain() ? "" : QUICK,
            String.join("\",\"", model));
  }

  /** A bash script that creates the domain and waits until the guest's services are up. */
  String startScript(int patienceSeconds) {
    return """
    rm -f %1$s
    cat >%2$s <<END
    %3$sEND
    xl create %2$s && for i in $(seq %4$d); do
      sleep 0.2
      grep -q 'GUEST READY' %1$s 2>/dev/null && exit 0
      [ -d "/proc/$(xenstore-read "/local/domain/$(xl domid %5$s)/image/device-model-pid")" ] || break
    done
    tail -n 20 /var/log/xen/qemu-dm-%5$s.log >&2
    tail -n 5 %1$s >&2
    exit 1
    """
        .formatted(
            guest.consoleLog(),
            configurationFile(),
            configuration(),
            patienceSeconds * 5,
            guest.name());
  }
}

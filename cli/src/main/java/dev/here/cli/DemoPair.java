package dev.here.cli;

import dev.here.lab.LabGuest;
import java.util.List;

/** The hypervisors between which the demo's guest moves, and the lab hosts that have them. */
enum DemoPair {
  /** From stock QEMU with KVM. */
  QEMU_KVM("qemu:kvm", "kvm-a", "kvm-b", "stock QEMU with KVM"),
  /** From stock Xen. */
  XEN_KVM("xen:kvm", "xen", "kvm", "stock Xen");

  private final String word;
  private final String primary;
  private final String standby;
  private final String hypervisor;

  DemoPair(String word, String primary, String standby, String hypervisor) {
    this.word = word;
    this.primary = primary;
    this.standby = standby;
    this.hypervisor = hypervisor;
  }

  /** As in {@code --pair}. */
  String word() {
    return word;
  }

  /** The lab host on which the guest runs at first. */
  String primary() {
    return primary;
  }

  /** The lab host that holds its replica. */
  String standby() {
    return standby;
  }

  /** Both, the primary first. */
  List<String> hosts() {
    return List.of(primary, standby);
  }

  /**
   * Those that keep one of HERE's VMMs ready for a replica; a Xen host needs none.
   *
   * @param failback whether the primary is to take the guest back
   */
  List<String> warmHosts(boolean failback) {
    return failback && this == QEMU_KVM ? hosts() : List.of(standby);
  }

  /** The primary's hypervisor, for people. */
  String hypervisor() {
    return hypervisor;
  }

  /** What the guest runs in when it is back on the primary, for people. */
  String placeAfterFailback() {
    return this == XEN_KVM ? "a domain of stock Xen" : "HERE's own VMM";
  }

  /** The guest's name for {@code here protect}. */
  String reference(LabGuest guest) {
    return this == XEN_KVM ? "xen:" + guest.name() : guest.qmpSocket();
  }

  /**
   * A command for the primary host that succeeds while the guest is there, in whatever state.
   *
   * @param guest the guest
   */
  String existsCommand(LabGuest guest) {
    return this == XEN_KVM
        ? "xl domid " + guest.name()
        : "grep -q '^State:.[^ZX]' /proc/$(cat %s)/status".formatted(guest.pidFile());
  }

  /** Reads {@link #word}s. */
  static final class Converter extends WordConverter<DemoPair> {
    Converter() {
      super("pair", values(), DemoPair::word);
    }
  }
}

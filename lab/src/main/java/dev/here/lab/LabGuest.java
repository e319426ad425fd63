package dev.here.lab;

import java.util.ArrayList;
import java.util.List;

/**
 * A Linux guest on a lab host, on stock QEMU with KVM or as an HVM domain of stock Xen: Debian's
 * cloud kernel, the lab's small userland, a read-only disk, and network devices: the first is on
 * the data network.
 *
 * @param name its name; its files on the host are /run/guest-NAME.*
 * @param cpus virtual CPUs
 * @param memoryMebibytes memory
 * @param cards its network devices, eth0 and following
 * @param plain whether the guest boots without the options that only make tests quicker
 * @param debugExit whether QEMU has the port that ends it when the guest writes there; it stands in
 *     for a bug that a guest can trigger
 */
public record LabGuest(
    String name,
    int cpus,
    int memoryMebibytes,
    List<LabCard> cards,
    boolean plain,
    boolean debugExit) {
  private static final LabCard FIRST = LabCard.usual("52:54:00:12:34:56", "10.88.0.50");
  private static final String QUICK = " quiet nokaslr mitigations=off tsc=reliable no_timer_check";

  /** Checks that there is a card. */
  public LabGuest {
    cards = List.copyOf(cards);
    if (cards.isEmpty()) {
      throw new LabException(
          "guest %s has no network device: it needs one at least".formatted(name));
    }
  }

  /** A guest called "demo" at 10.88.0.50 with 128 MiB, quick to boot, with the debug exit port. */
  public static LabGuest demo(int cpus) {
    return new LabGuest("demo", cpus, 128, List.of(FIRST), false, true);
  }

  /** The same with 256 MiB, as anyone would start it. */
  public static LabGuest plainDemo(int cpus) {
    return new LabGuest("demo", cpus, 256, List.of(FIRST), true, false);
  }

  /**
   * The guest of {@link #demo} with two cards that the host's kernel serves (vhost), of two queues
   * each: one on the data network, one at 10.88.4.50 in VLAN {@value LabCard#VLAN} of the trunk
   * with an MTU of 9000 octets.
   */
  public static LabGuest twoCards(int cpus) {
    LabCard data = LabCard.fast(FIRST.mac(), FIRST.address());
    LabCard trunk = LabCard.onTrunk("52:54:00:12:34:66", "10.88.4.50");
    return new LabGuest("demo", cpus, 128, List.of(data, trunk), false, true);
  }

  /** Its address on the data network. */
  public String address() {
    return cards.getFirst().address();
  }

  /** Path of the guest's QMP socket on a KVM host. */
  public String qmpSocket() {
    return "/run/guest-" + name + ".qmp";
  }

  /** Path of the guest's console log on its host. */
  public String consoleLog() {
    return "/run/guest-" + name + ".serial.log";
  }

  /** Path of the file with the process id of the guest's QEMU on a KVM host. */
  public String pidFile() {
    return "/run/guest-" + name + ".pid";
  }

  /** The guest kernel's command line, on every hypervisor. */
  String kernelLine() {
    StringBuilder addresses = new StringBuilder();
    for (int i = 0; i < cards.size(); i++) {
      // The first one's word has no number.
      addresses.append(" here.ip%s=%s/24".formatted(i == 0 ? "" : i, cards.get(i).address()));
    }
    return "console=ttyS0%s%s".formatted(addresses, plain ? "" : QUICK);
  }

  /** QEMU's command line on a KVM host, quoted for bash. */
  public String command() {
    List<String> words = new ArrayList<>();
    words.add("qemu-system-x86_64 -accel kvm -display none");
    words.add("-m %d -smp %d".formatted(memoryMebibytes, cpus));
    for (int i = 0; i < cards.size(); i++) {
      words.add(network(cards.get(i), "net" + i));
    }
    words.add("-drive file=/opt/guest/disk.img,format=raw,if=virtio,readonly=on");
    words.add("-qmp unix:" + qmpSocket() + ",server=on,wait=off");
    words.add("-serial file:" + consoleLog());
    words.add("-pidfile " + pidFile());
    if (debugExit) {
      words.add("-device isa-debug-exit,iobase=0x500,iosize=0x04");
    }
    words.add("-kernel /opt/guest/" + (plain ? "vmlinuz" : "vmlinux"));
    words.add("-initrd /opt/guest/initrd.cpio");
    words.add("-append '" + kernelLine() + "'");
    return String.join(" ", words);
  }

  /** As people write it: in one word where nothing special is wanted. */
  private static String network(LabCard card, String id) {
    return card.equals(LabCard.usual(card.mac(), card.address()))
        ? "-nic tap,model=virtio-net-pci,mac=" + card.mac()
        : "-netdev %s -device %s".formatted(card.backEnd(id), card.device(id));
  }

  /** A bash script that starts the guest and waits until its services are up. */
  String startScript(HostRole role) {
    return switch (role) {
      case KVM -> qemuScript(180);
      // An emulated Xen host's device model reads the guest's kernel octet by octet.
      case XEN -> new XenDomain(this).startScript(900);
    };
  }

  private String qemuScript(int patienceSeconds) {
    return """
    rm -f %1$s %2$s
    setsid %3$s </dev/null >/run/guest-%4$s.qemu.log 2>&1 &
    qemu=$!
    for i in $(seq %5$d); do
      sleep 0.2
      grep -q 'GUEST READY' %2$s 2>/dev/null && exit 0
      kill -0 $qemu 2>/dev/null || break
    done
    cat /run/guest-%4$s.qemu.log >&2
    tail -n 5 %2$s >&2
    exit 1
    """
        .formatted(qmpSocket(), consoleLog(), command(), name, patienceSeconds * 5);
  }
}

package dev.here.lab;

import java.nio.file.Path;
import java.util.List;

/**
 * What a lab is made of.
 *
 * @param hosts names of the KVM hosts, at most 8, each of at most 10 letters, digits and dashes
 * @param memoryMebibytes memory of each host
 * @param cpus virtual CPUs of each host
 * @param application jars and class folders of HERE, seen by the hosts as /opt/here
 */
public record LabPlan(List<String> hosts, int memoryMebibytes, int cpus, List<Path> application) {
  /** Hosts have numbers from here on: addresses end in them. */
  static final int FIRST_NUMBER = 11;

  private static final int HOSTS_MAX = 8;

  /** Checks the names. */
  public LabPlan {
    hosts = List.copyOf(hosts);
    application = List.copyOf(application);
    if (hosts.isEmpty() || hosts.size() > HOSTS_MAX) {
      throw new LabException("a lab has 1 to %d hosts, not %d".formatted(HOSTS_MAX, hosts.size()));
    }
    for (String host : hosts) {
      if (!host.matches("[a-z][a-z0-9-]{0,9}")) {
        throw new LabException(
            "host name \"%s\": up to 10 small letters, digits and dashes".formatted(host));
      }
    }
  }

  /**
   * Two hosts, kvm-a and kvm-b, with 2 GiB each. Emulated hosts have one virtual CPU: with two,
   * QEMU's emulation of SVM now and then loses a guest's registers (docs/lessons.md), and their
   * TSCs are not in step.
   */
  public static LabPlan pair(List<Path> application) {
    int cpus = Acceleration.ofThisMachine() == Acceleration.KVM ? 2 : 1;
    return new LabPlan(List.of("kvm-a", "kvm-b"), 2048, cpus, application);
  }

  /** The number that a host's addresses end in. */
  int number(String host) {
    int index = hosts.indexOf(host);
    if (index < 0) {
      throw new LabException("no host %s in this lab: it has %s".formatted(host, hosts));
    }
    return FIRST_NUMBER + index;
  }
}

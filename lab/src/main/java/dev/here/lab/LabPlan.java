package dev.here.lab;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a lab is made of.
 *
 * @param hosts names of the hosts, at most 8, each of at most 10 letters, digits and dashes; those
 *     that start with "xen" are Xen hosts, all others KVM hosts
 * @param memoryMebibytes memory of each host
 * @param cpus virtual CPUs of each host
 * @param application jars and class folders of HERE, seen by the hosts as /opt/here
 * @param guests by the name of a host, the guest that it has from the start: it is booted once and
 *     is part of the host's saved state
 */
public record LabPlan(
    List<String> hosts,
    int memoryMebibytes,
    int cpus,
    List<Path> application,
    Map<String, LabGuest> guests) {
  /** Hosts have numbers from here on: addresses end in them. */
  static final int FIRST_NUMBER = 11;

  private static final int HOSTS_MAX = 8;
  private static final Pattern GUEST = Pattern.compile("([^:]*)(?::([1-8]))?(:cards)?");

  /** Checks the names. */
  public LabPlan {
    hosts = List.copyOf(hosts);
    application = List.copyOf(application);
    guests = Map.copyOf(guests);
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

  /** Hosts that start without a guest. */
  public LabPlan(List<String> hosts, int memoryMebibytes, int cpus, List<Path> application) {
    this(hosts, memoryMebibytes, cpus, application, Map.of());
  }

  /** The same hosts, one of which has a running guest from the start. */
  public LabPlan withGuest(String host, LabGuest guest) {
    number(host);
    Map<String, LabGuest> all = new HashMap<>(guests);
    all.put(host, guest);
    return new LabPlan(hosts, memoryMebibytes, cpus, application, all);
  }

  /**
   * The same hosts with the guest "demo" on one of them.
   *
   * @param word HOST or HOST:VCPUS, with :cards behind it for {@link LabGuest#twoCards}
   */
  public LabPlan withGuest(String word) {
    Matcher matcher = GUEST.matcher(word);
    if (!matcher.matches()) {
      throw new LabException(
          "guest \"%s\": HOST, HOST:VCPUS or HOST:VCPUS:cards, as in xen:2".formatted(word));
    }
    int cpus = matcher.group(2) == null ? 1 : Integer.parseInt(matcher.group(2));
    LabGuest guest = matcher.group(3) == null ? LabGuest.demo(cpus) : LabGuest.twoCards(cpus);
    return withGuest(matcher.group(1), guest);
  }

  /**
   * Two hosts, kvm-a and kvm-b, with 2 GiB each. Emulated hosts have one virtual CPU: with two,
   * QEMU's emulation of SVM now and then loses a guest's registers (docs/lessons.md), and their
   * TSCs are not in step.
   */
  public static LabPlan pair(List<Path> application) {
    return of(List.of("kvm-a", "kvm-b"), application);
  }

  /** Hosts of the size of a {@link #pair}'s. */
  public static LabPlan of(List<String> hosts, List<Path> application) {
    int cpus = Acceleration.ofThisMachine() == Acceleration.KVM ? 2 : 1;
    return new LabPlan(hosts, 2048, cpus, application);
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

package dev.here.host;

import dev.here.driver.xen.XenDomain;
import dev.here.driver.xen.XenStandby;
import dev.here.formats.wire.Message;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Standby;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A replica of a guest that Xen had started, on a host with Xen. Its memory is this process's; the
 * domain exists from the take-over on.
 */
final class XenReplica implements ReplicaMachine {
  private static final long PROGRESS_NANOS = 500_000_000;

  private final String name;
  private final XenStandby standby;
  private final List<CardPlace> places;

  private XenReplica(String name, XenStandby standby, List<CardPlace> places) {
    this.name = name;
    this.standby = standby;
    this.places = List.copyOf(places);
  }

  /**
   * Takes memory for the replica. The domain's own configuration will join its cards to their
   * bridges; those have to be here and carry them.
   *
   * @param folder of the replica
   */
  static XenReplica prepare(HostConfig config, Message.Hello hello, Path folder) {
    List<CardPlace> places = CardPlace.ofSameNames(config.name(), hello.cards());
    XenStandby standby = new XenStandby(folder.resolve("xl.log"));
    try {
      standby.prepare(hello.memory(), hello.vcpus());
      return new XenReplica(hello.vmName(), standby, places);
    } catch (HypervisorException e) {
      standby.close();
      throw e;
    }
  }

  @Override
  public Standby standby() {
    return standby;
  }

  @Override
  public String vm() {
    return GuestReference.XEN + standby.domain().map(XenDomain::name).orElse(name);
  }

  @Override
  public List<String> cards() {
    return places.stream().map(CardPlace::toString).toList();
  }

  /** The memory is this process's own; once there is a domain, that is what counts. */
  @Override
  public boolean lives() {
    return standby.domain().isEmpty() || standby.progress(PROGRESS_NANOS).alive();
  }

  /** Nothing outlives this process until there is a domain. */
  @Override
  public Optional<ReplicaRecord> record() {
    return standby
        .domain()
        .flatMap(domain -> ProcessHandle.of(domain.modelPid()))
        .map(model -> new ReplicaRecord(name, ProcessMark.of(model), List.of(), true));
  }

  @Override
  public Optional<ReplicaRecord> takenOver() {
    return record();
  }

  @Override
  public void close() {
    standby.close();
  }

  @Override
  public void withdraw() {}
}

package dev.here.host;

import dev.here.driver.vmm.VmmCommand;
import dev.here.driver.vmm.VmmStandby;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Standby;
import dev.here.replication.RefusedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A replica in a warm process of our own VMM, with a TAP for each card of the guest. */
final class VmmReplica implements ReplicaMachine {
  private final String name;
  private final VmmStandby standby;
  private final List<GuestTap> taps;

  private VmmReplica(String name, VmmStandby standby, List<GuestTap> taps) {
    this.name = name;
    this.standby = standby;
    this.taps = List.copyOf(taps);
  }

  /**
   * Starts a warm VMM of the guest's shape.
   *
   * @param folder of the replica
   * @param spares where a started process may be
   */
  static VmmReplica prepare(HostConfig config, Message.Hello hello, Path folder, SpareVmms spares) {
    List<GuestTap> taps = GuestTap.make(CardPlace.of(config, hello.cards()));
    VmmStandby standby = null;
    try {
      standby =
          new VmmStandby(
              VmmCommand.ofThisJava(vmmOptions(config, hello, taps)),
              folder.resolve("vmm.sock"),
              folder.resolve("vmm.log"));
      spares.take().ifPresent(standby::startFrom);
      standby.prepare(hello.memory(), hello.vcpus());
      return new VmmReplica(hello.vmName(), standby, taps);
    } catch (HypervisorException | HostException | RefusedException e) {
      if (standby != null) {
        standby.close();
      }
      taps.forEach(GuestTap::close);
      throw e;
    }
  }

  private static List<String> vmmOptions(
      HostConfig config, Message.Hello hello, List<GuestTap> taps) {
    List<String> options = new ArrayList<>();
    for (String disk : hello.disks()) {
      options.add("--disk");
      options.add(allowedDisk(config, disk) + ",readonly");
    }
    for (GuestTap tap : taps) {
      options.add("--nic");
      options.add(tap.option());
    }
    return options;
  }

  /** A peer names paths; only what the administrator has set apart for disks is opened for it. */
  private static Path allowedDisk(HostConfig config, String disk) {
    try {
      Path real = Path.of(disk).toRealPath();
      for (Path folder : config.diskFolders()) {
        if (real.startsWith(folder.toRealPath())) {
          return real;
        }
      }
    } catch (IOException e) {
      throw new RefusedException(
          RefusalCode.UNSUITABLE,
          "disk %s is not on host %s (%s): put the same file there"
              .formatted(disk, config.name(), e.getMessage()),
          e);
    }
    throw new RefusedException(
        RefusalCode.UNSUITABLE,
        "disk %s does not lie in a folder for disks of host %s, which are %s: start its hered with --disk-folder"
            .formatted(disk, config.name(), config.diskFolders()));
  }

  @Override
  public Standby standby() {
    return standby;
  }

  @Override
  public String vm() {
    return standby.socket().toString();
  }

  @Override
  public List<String> cards() {
    return taps.stream().map(GuestTap::toString).toList();
  }

  @Override
  public boolean lives() {
    return standby.process().map(ProcessHandle::isAlive).orElse(false);
  }

  @Override
  public Optional<ReplicaRecord> record() {
    return Optional.of(
        new ReplicaRecord(
            name,
            ProcessMark.of(standby.process().orElseThrow()),
            taps.stream().map(GuestTap::name).toList(),
            false));
  }

  @Override
  public Optional<ReplicaRecord> takenOver() {
    return record().map(ReplicaRecord::beingTakenOver);
  }

  @Override
  public void close() {
    standby.close();
  }

  @Override
  public void withdraw() {
    taps.forEach(GuestTap::close);
  }
}

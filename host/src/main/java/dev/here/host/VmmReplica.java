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

/** A replica in a warm process of our own VMM, with a TAP for the guest. */
final class VmmReplica implements ReplicaMachine {
  private final String name;
  private final VmmStandby standby;
  private final Optional<GuestTap> tap;

  private VmmReplica(String name, VmmStandby standby, Optional<GuestTap> tap) {
    this.name = name;
    this.standby = standby;
    this.tap = tap;
  }

  /**
   * Starts a warm VMM of the guest's shape.
   *
   * @param folder of the replica
   * @param spares where a started process may be
   */
  static VmmReplica prepare(HostConfig config, Message.Hello hello, Path folder, SpareVmms spares) {
    Optional<GuestTap> tap =
        config.bridge().isEmpty() ? Optional.empty() : Optional.of(GuestTap.make(config.bridge()));
    VmmStandby standby = null;
    try {
      standby =
          new VmmStandby(
              VmmCommand.ofThisJava(vmmOptions(config, hello, tap)),
              folder.resolve("vmm.sock"),
              folder.resolve("vmm.log"));
      spares.take().ifPresent(standby::startFrom);
      standby.prepare(hello.memory(), hello.vcpus());
      return new VmmReplica(hello.vmName(), standby, tap);
    } catch (HypervisorException | HostException | RefusedException e) {
      if (standby != null) {
        standby.close();
      }
      tap.ifPresent(GuestTap::close);
      throw e;
    }
  }

  private static List<String> vmmOptions(
      HostConfig config, Message.Hello hello, Optional<GuestTap> tap) {
    List<String> options = new ArrayList<>();
    for (String disk : hello.disks()) {
      options.add("--disk");
      options.add(allowedDisk(config, disk) + ",readonly");
    }
    tap.ifPresent(made -> {
      options.add("--nic");
      options.add("tap=" + made.name());
    });
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
  public boolean lives() {
    return standby.process().map(ProcessHandle::isAlive).orElse(false);
  }

  @Override
  public Optional<ReplicaRecord> record() {
    return Optional.of(
        new ReplicaRecord(
            name,
            ProcessMark.of(standby.process().orElseThrow()),
            tap.map(GuestTap::name).orElse(""),
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
    tap.ifPresent(GuestTap::close);
  }
}

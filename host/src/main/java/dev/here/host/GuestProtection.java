package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.hypervisor.Primary;
import dev.here.replication.FrameOutput;
import dev.here.replication.Lease;
import java.nio.file.Path;
import java.util.List;

/** What a keeper holds of one running guest: its hypervisor, its frames' detour, its memory. */
interface GuestProtection extends AutoCloseable {
  /**
   * Lets the guest's frames take their way through gates, open for now.
   *
   * @param folder for their sockets
   * @param lease what is held leaves only while it can be relied on
   */
  FrameOutput redirect(Path folder, Lease lease) throws InterruptedException;

  Primary primary();

  int vcpus();

  /** Paths of the guest's disks, by rising PCI address. */
  List<String> disks();

  /** Whether the keeper may go before others on its host for as long as frames are held. */
  boolean mayGoBefore();

  /** How far the guest's clock has fallen behind the host's since protection began. */
  ClockLag clockLag();

  /** The guest's frames take their direct way again, and nothing of ours is left. */
  @Override
  void close();
}

package dev.here.host;

import dev.here.driver.qemu.QemuNic;
import dev.here.driver.qemu.QemuNicRedirect;
import dev.here.driver.qemu.QmpClient;
import dev.here.hypervisor.HypervisorException;
import dev.here.net.ConnectionDeposit;
import dev.here.net.FrameRoom;
import dev.here.net.RedirectedNic;
import dev.here.net.ReleasePermission;
import dev.here.replication.FrameOutput;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The gates of a guest's cards, in a QEMU that carries its frames. */
final class NicGates implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NicGates.class);

  /** In a keeper's folder: where the daemon takes second descriptors of its connections. */
  static final String DEPOSIT = "deposit.sock";

  private static final long CONNECT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final List<RedirectedNic> gates = new ArrayList<>();
  private Optional<ConnectionDeposit> deposit = Optional.empty();
  private final List<QemuNicRedirect> redirects = new ArrayList<>();

  /** Lets the frames of all {@code nics} take their way through gates, open for now. */
  FrameOutput redirect(
      QmpClient qmp,
      List<QemuNic> nics,
      Duration timeout,
      Path folder,
      ReleasePermission permission)
      throws InterruptedException {
    var daemon = new ConnectionDeposit(folder.resolve(DEPOSIT));
    deposit = Optional.of(daemon);
    int index = 0;
    for (QemuNic nic : nics) {
      Path out = folder.resolve("out" + index);
      Path in = folder.resolve("in" + index);
      FrameRoom room = new HeldFrameFiles(folder).room(index);
      RedirectedNic gate =
          RedirectedNic.listen(out, in, true, room, daemon.place(index), permission, () -> {});
      gates.add(gate);
      redirects.add(QemuNicRedirect.attach(qmp, nic, index, out, in, timeout));
      if (!gate.awaitConnected(CONNECT_NANOS)) {
        throw new HypervisorException(
            "QEMU did not connect the frames of %s to %s within 10 s".formatted(nic.device(), out));
      }
      index++;
    }
    return new GuestFrames(gates.stream().map(RedirectedNic::gate).toList());
  }

  /** The guest's frames take their direct way again. */
  @Override
  public void close() {
    for (QemuNicRedirect redirect : redirects) {
      try {
        redirect.close();
      } catch (HypervisorException e) {
        LOG.debug("the redirect is gone with its hypervisor: {}", e.getMessage());
      }
    }
    gates.forEach(RedirectedNic::close);
    deposit.ifPresent(ConnectionDeposit::close);
  }
}

package dev.here.host;

import dev.here.driver.qemu.CleanupRehearsal;
import dev.here.driver.qemu.QemuCleanup;
import dev.here.driver.qemu.QemuProcess;
import dev.here.driver.qemu.QemuTimeouts;
import dev.here.driver.qemu.QmpClient;
import dev.here.driver.vmm.VmmControl;
import dev.here.driver.vmm.VmmGuest;
import dev.here.driver.xen.XenGuest;
import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What names a running guest on this host, and with it the hypervisor that runs it. */
sealed interface GuestReference {
  /** Words before the name of a Xen domain. */
  String XEN = "xen:";

  /** Words before the name or control socket of a VMM of ours. */
  String VMM = "vmm:";

  /**
   * Reads {@code xen:NAME}, {@code vmm:SOCKET}, {@code vmm:NAME} of a guest that {@code here vm
   * run} started, or the path of a QMP socket.
   */
  static GuestReference parse(String text) {
    if (text.startsWith(XEN)) {
      return new Domain(text.substring(XEN.length()));
    }
    if (text.startsWith(VMM)) {
      String place = text.substring(VMM.length());
      return new Vmm(
          place.contains("/") ? Path.of(place) : HostConfig.VM_FOLDER.resolve(place + ".sock"));
    }
    return new Qemu(Path.of(text));
  }

  /** A short name for the guest. */
  String name();

  /**
   * Looks at the guest, without touching it, and gets ready to protect it.
   *
   * @param folder for files while it is protected
   * @param patience how long the hypervisor may be silent
   * @throws dev.here.hypervisor.UnprotectableException when it cannot be carried, with all reasons
   */
  GuestProtection open(Path folder, Duration patience);

  /** What a keeper that died has left in a guest's hypervisor; the guest runs. */
  interface Leavings extends AutoCloseable {
    /**
     * Undoes them; what the guest's ports hold is another's to let out ({@link LeftFrames}).
     *
     * @return what was done, a line each
     * @throws HypervisorException when the hypervisor does not answer
     */
    List<String> undo();

    /** The guest can be reached by others again. */
    @Override
    default void close() {}
  }

  /**
   * Begins to see to a guest whose keeper died. What needs no certainty who owns it is done.
   *
   * @throws HypervisorException when the hypervisor does not answer
   */
  Leavings leavings();

  /**
   * Has this process go through what follows a keeper's death once without a guest, so that it is
   * quick.
   *
   * @return completes when that is over
   */
  default CompletableFuture<Void> rehearseCleanUp() {
    return CleanupRehearsal.begin();
  }

  /** Whether the guest ends with the process that its hypervisor is here. */
  default boolean runsInProcess() {
    return true;
  }

  /**
   * Ends the guest here by force.
   *
   * @throws HypervisorException when it is not found, which does not mean that it has ended
   */
  void end();

  /** A stock QEMU, by its monitor's socket. */
  record Qemu(Path socket) implements GuestReference {
    @Override
    public String name() {
      return VmIdentity.nameOf(socket);
    }

    @Override
    public GuestProtection open(Path folder, Duration patience) {
      return new QemuProtection(socket, folder, patience);
    }

    @Override
    public Leavings leavings() {
      QmpClient qmp = connect();
      try {
        return new QemuLeavings(qmp, QemuCleanup.letGuestRun(qmp, QemuTimeouts.DEFAULT));
      } catch (RuntimeException e) {
        qmp.close();
        throw e;
      }
    }

    @Override
    public void end() {
      try (QmpClient qmp = connect()) {
        QemuProcess.find(qmp, QemuTimeouts.DEFAULT.command()).handle().destroyForcibly();
      }
    }

    private QmpClient connect() {
      return QmpClient.connect(socket, QemuTimeouts.DEFAULT.command());
    }
  }

  /** In a QEMU, whose monitor nobody else reaches meanwhile. */
  record QemuLeavings(QmpClient qmp, List<String> done) implements Leavings {
    @Override
    public List<String> undo() {
      List<String> all = new ArrayList<>(done);
      all.addAll(QemuCleanup.restoreSettings(qmp, QemuTimeouts.DEFAULT));
      return all;
    }

    @Override
    public void close() {
      qmp.close();
    }
  }

  /** A domain of a stock Xen. */
  record Domain(String name) implements GuestReference {
    @Override
    public GuestProtection open(Path folder, Duration patience) {
      return new XenProtection(name, folder, patience);
    }

    @Override
    public Leavings leavings() {
      return () -> XenGuest.cleanUp(name, QemuTimeouts.DEFAULT.command());
    }

    @Override
    public boolean runsInProcess() {
      return false;
    }

    @Override
    public void end() {
      try {
        XenGuest.end(name);
      } catch (HypervisorException e) {
        throw new HypervisorException("domain %s: %s".formatted(name, e.getMessage()), e);
      }
    }
  }

  /** A VMM of ours, by its control socket. */
  record Vmm(Path socket) implements GuestReference {
    @Override
    public String name() {
      return VmIdentity.nameOf(socket);
    }

    @Override
    public GuestProtection open(Path folder, Duration patience) {
      return new VmmProtection(socket);
    }

    @Override
    public Leavings leavings() {
      return () -> {
        try (VmmControl control = VmmControl.connect(socket)) {
          return VmmGuest.undo(control);
        }
      };
    }

    @Override
    public CompletableFuture<Void> rehearseCleanUp() {
      // One request to a program of ours: there is nothing that would take long the first time.
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public void end() {
      VmmGuest.end(socket);
    }
  }
}

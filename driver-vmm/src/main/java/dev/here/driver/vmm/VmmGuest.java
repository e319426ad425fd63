package dev.here.driver.vmm;

import dev.here.formats.control.ControlMessage;
import dev.here.formats.control.ControlMessage.Phase;
import dev.here.hypervisor.UnprotectableException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A guest that runs in a VMM of ours, before and after it is protected: what it is made of, and
 * what a controller that died has left.
 *
 * @param vcpus how many it has
 * @param disks paths of its disks, by rising PCI address
 */
public record VmmGuest(int vcpus, List<String> disks) {
  public VmmGuest {
    disks = List.copyOf(disks);
  }

  /**
   * Looks at the guest, without touching it.
   *
   * @throws UnprotectableException when it cannot be carried, with all reasons
   */
  public static VmmGuest of(VmmControl control) {
    Phase phase = phase(control);
    if (phase != Phase.RUNNING) {
      throw new UnprotectableException(
          List.of(
              "the VMM is %s: protection needs a guest that runs (here vm resume)"
                  .formatted(phase)));
    }
    ControlMessage.DevicesAre devices =
        control.ask(new ControlMessage.AskDevices(), ControlMessage.DevicesAre.class);
    List<String> reasons =
        devices.disks().stream()
            .filter(disk -> !disk.readOnly())
            .map(disk ->
                "disk %s is writable, and disks are not replicated yet: start the guest with --disk %s,readonly"
                    .formatted(disk.path(), disk.path()))
            .toList();
    if (!reasons.isEmpty()) {
      throw new UnprotectableException(reasons);
    }
    return new VmmGuest(
        devices.vcpus(), devices.disks().stream().map(ControlMessage.Disk::path).toList());
  }

  /**
   * Undoes what a controller that died has left: the guest goes on, its frames pass, what a gate
   * holds leaves first. The caller owns the VM.
   *
   * @return a line for each thing that was undone
   */
  public static List<String> undo(VmmControl control) {
    List<String> undone = new ArrayList<>();
    ControlMessage.FramesAre held =
        control.ask(new ControlMessage.PassFrames(), ControlMessage.FramesAre.class);
    undone.add("the gate is open, %d frames were held".formatted(held.heldFrames()));
    if (phase(control) == Phase.PAUSED) {
      control.done(new ControlMessage.Resume());
      undone.add("the guest goes on");
    }
    control.done(new ControlMessage.Track(false));
    return undone;
  }

  private static Phase phase(VmmControl control) {
    return control.ask(new ControlMessage.AskStatus(), ControlMessage.StatusIs.class).phase();
  }

  /** Ends the VMM at {@code socket} by force; one that does not listen any more is gone. */
  public static void end(Path socket) {
    try (VmmControl control = VmmControl.connect(socket)) {
      Optional<ProcessHandle> process = ProcessHandle.of(control.pid());
      process.ifPresent(ProcessHandle::destroyForcibly);
    }
  }
}

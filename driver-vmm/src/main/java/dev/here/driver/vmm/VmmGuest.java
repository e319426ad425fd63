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
 * @param cards its network cards, by rising PCI address
 */
public record VmmGuest(int vcpus, List<String> disks, List<ControlMessage.Card> cards) {
  public VmmGuest {
    disks = List.copyOf(disks);
    cards = List.copyOf(cards);
  }

  /** Names of the TAPs that its frames leave by, by rising PCI address. */
  public List<String> ports() {
    return cards.stream().map(ControlMessage.Card::tap).toList();
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
        devices.vcpus(),
        devices.disks().stream().map(ControlMessage.Disk::path).toList(),
        devices.cards());
  }

  /**
   * Undoes what a controller that died has left in the VMM: the guest goes on. A gate at its ports
   * is another's to open. The caller owns the VM.
   *
   * @return a line for each thing that was undone
   */
  public static List<String> undo(VmmControl control) {
    List<String> undone = new ArrayList<>();
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

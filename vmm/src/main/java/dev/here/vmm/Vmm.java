package dev.here.vmm;

import dev.here.ffi.NativeException;
import dev.here.ffi.ProcessPriority;
import dev.here.formats.state.CheckpointFile;
import dev.here.formats.state.StateFormatException;
import dev.here.kvm.Kvm;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.VcpuState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process of one virtual machine. It boots an image, continues a checkpoint, or waits warm for
 * what its controller sends. It ends when a controller says so, or with its guest when it has no
 * control socket.
 */
public final class Vmm {
  private static final Logger LOG = LoggerFactory.getLogger(Vmm.class);

  private Vmm() {}

  /** Runs a VMM; see {@link VmmOptions#USAGE}. Exit status 1 when it cannot start. */
  public static void main(String... words) {
    try {
      System.exit(
          Arrays.equals(words, new String[] {VmmOptions.SPARE})
              ? runSpare()
              : run(VmmOptions.parse(words)));
    } catch (VmmException
        | NativeException
        | InvalidMachineStateException
        | StateFormatException
        | IOException e) {
      LOG.debug("cannot run", e);
      System.err.println("here vm: " + e.getMessage());
      System.exit(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      System.exit(1);
    }
  }

  /**
   * Waits, at a low priority, until it is known what for; ends without a word when nobody wants it
   * any more.
   */
  private static int runSpare() throws IOException, InterruptedException {
    Rehearsal.run();
    LOG.info("ready");
    String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    if (text.isEmpty()) {
      return 0;
    }
    if (!ProcessPriority.restoreOwn()) {
      LOG.warn("it keeps a low priority; renice it to 0");
    }
    return run(VmmOptions.parse(text.split("\n")));
  }

  /**
   * Runs until the end.
   *
   * @return 0 when the guest switched itself off or a controller ended it, 2 when it asked for a
   *     reset, 3 when it could not go on; after a write of n to the debug exit port 2n + 1
   */
  static int run(VmmOptions options) throws IOException, InterruptedException {
    try (Kvm kvm = Kvm.open();
        HostDevices devices = new HostDevices(options);
        MachineControl control = new MachineControl(kvm, devices)) {
      options.boot().ifPresent(boot -> new MachineBoot(options, boot).start(control));
      options.restore().ifPresent(file -> restore(control, file));
      if (options.control().isPresent()) {
        try (ControlServer server = new ControlServer(options.control().get(), control)) {
          LOG.info("listening for controllers at {}", server.path());
          control.awaitQuit();
          return 0;
        }
      }
      int status = control.awaitGuestEnd();
      return devices.debugExitStatus().orElse(status);
    }
  }

  private static void restore(MachineControl control, Path file) {
    try (CheckpointFile checkpoint = new CheckpointFile(file)) {
      Machine machine =
          control.prepare(
              checkpoint.state().memory(),
              checkpoint.state().vcpus().stream().map(VcpuState::apicId).toList());
      checkpoint.readMemory(machine.memory().backing());
      control.restore(checkpoint.state());
      control.takeOver();
    } catch (IOException e) {
      throw new VmmException("cannot read the checkpoint: " + e.getMessage(), e);
    }
  }
}

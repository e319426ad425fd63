package dev.here.driver.vmm;

import dev.here.ffi.ProcessPriority;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How a VMM process is started: program and arguments without its control socket.
 *
 * @param program the program, its options and the main class
 * @param options of the VMM
 */
public record VmmCommand(List<String> program, List<String> options) {
  private static final String MAIN_CLASS = "dev.here.vmm.Vmm";
  private static final int HEAP_MEBIBYTES = 256;

  /** Little of what the VMM makes lives long: a larger nursery only stays resident. */
  private static final String NURSERY = "-Xmn24m";

  public VmmCommand {
    program = List.copyOf(program);
    options = List.copyOf(options);
  }

  /**
   * The VMM out of this process's own class path, on its own Java.
   *
   * @param options of the VMM, for example {@code --nic tap=vtap0}
   */
  public static VmmCommand ofThisJava(List<String> options) {
    List<String> words =
        new ArrayList<>(JavaProgram.command("vmm", HEAP_MEBIBYTES, MAIN_CLASS, List.of()));
    words.add(1, NURSERY);
    return new VmmCommand(words, options);
  }

  /** With the control socket. */
  public List<String> with(Path controlSocket) {
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of("--control", controlSocket.toString()));
    return inSession(program, all);
  }

  /** Without its options, which it will read; it gives way to whatever else the host does. */
  List<String> spare() {
    List<String> all = new ArrayList<>(ProcessPriority.lowered());
    all.addAll(program);
    all.add("--spare");
    return all;
  }

  /**
   * In a session of its own: a signal to whoever starts it, or its end, does not reach the guest.
   * The started process is the VMM itself (setsid(1) forks only when it leads a process group,
   * which a started program does not).
   */
  private static List<String> inSession(List<String> program, List<String> options) {
    List<String> all = new ArrayList<>(List.of("setsid"));
    all.addAll(program);
    all.addAll(options);
    return all;
  }
}

package dev.here.driver.vmm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How a VMM process is started: program and arguments without its control socket.
 *
 * @param words the program, its options, the main class and the options of the VMM
 */
public record VmmCommand(List<String> words) {
  private static final String MAIN_CLASS = "dev.here.vmm.Vmm";

  public VmmCommand {
    words = List.copyOf(words);
  }

  /**
   * The VMM out of this process's own class path, on its own Java.
   *
   * @param options of the VMM, for example {@code --nic tap=vtap0}
   */
  public static VmmCommand ofThisJava(List<String> options) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.add("-XX:+UseSerialGC");
    words.add("-XX:TieredStopAtLevel=1");
    words.add("-Xmx256m");
    words.add("--enable-native-access=ALL-UNNAMED");
    words.add("-cp");
    words.add(System.getProperty("java.class.path"));
    words.add(MAIN_CLASS);
    words.addAll(options);
    return new VmmCommand(words);
  }

  /**
   * With the control socket, in a session of its own: a signal to whoever starts it, or its end,
   * does not reach the guest. The started process is the VMM itself (setsid(1) forks only when it
   * leads a process group, which a started program does not).
   */
  public List<String> with(Path controlSocket) {
    List<String> all = new ArrayList<>();
    all.add("setsid");
    all.addAll(words);
    all.add("--control");
    all.add(controlSocket.toString());
    return all;
  }
}

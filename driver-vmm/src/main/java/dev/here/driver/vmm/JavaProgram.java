package dev.here.driver.vmm;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * How another process of this program is started: on this process's own Java, with its class path.
 *
 * <p>A Java process spends its first seconds on loading classes. Where the environment variable
 * {@value #STARTUP} names a folder with an archive {@code NAME.aot} of the classes that a program
 * of this name loads, it starts with that (JEP 483); with {@value #RECORD} it writes down, as
 * {@code NAME-1.aotconf} in that folder, what such an archive needs (the next of that name {@code
 * NAME-2.aotconf}, and so on). An archive that does not fit this Java or class path is left aside
 * by Java itself. Words in {@value #OPTIONS} are further options for Java.
 */
public final class JavaProgram {
  /** Folder of the archives; processes that this one starts inherit it. */
  public static final String STARTUP = "HERE_STARTUP";

  /** Folder for the records. */
  public static final String RECORD = "HERE_STARTUP_RECORD";

  /** Options of Java, separated by spaces; processes that this one starts inherit them. */
  public static final String OPTIONS = "HERE_JAVA_OPTIONS";

  /** How many processes of a name were started to be recorded. */
  private static final Map<String, Integer> RECORDED = new ConcurrentHashMap<>();

  private JavaProgram() {}

  /**
   * Program and arguments.
   *
   * @param name what the archive is named after
   * @param heapMebibytes upper limit of its Java heap
   */
  public static List<String> command(
      String name, int heapMebibytes, String mainClass, List<String> arguments) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.add("-XX:+UseSerialGC");
    words.add("-XX:TieredStopAtLevel=1");
    // A virtual thread that a native call pins must not stop all others where there is one
    // processor.
    words.add("-Djdk.virtualThreadScheduler.parallelism=4");
    words.add("-Xmx" + heapMebibytes + "m");
    words.add("--enable-native-access=ALL-UNNAMED");
    words.add("--sun-misc-unsafe-memory-access=allow");
    words.addAll(startup(name, System.getenv(STARTUP), System.getenv(RECORD)));
    words.addAll(further(System.getenv(OPTIONS)));
    words.add("-cp");
    words.add(System.getProperty("java.class.path"));
    words.add(mainClass);
    words.addAll(arguments);
    return List.copyOf(words);
  }

  static List<String> further(@Nullable String options) {
    return options == null || options.isBlank()
        ? List.of()
        : List.of(options.strip().split("\\s+"));
  }

  static List<String> startup(String name, @Nullable String archives, @Nullable String records) {
    if (records != null) {
      return List.of(
          "-XX:AOTMode=record",
          "-XX:AOTConfiguration="
              + Path.of(records, name + "-" + RECORDED.merge(name, 1, Integer::sum) + ".aotconf"));
    }
    if (archives == null) {
      return List.of();
    }
    Path archive = Path.of(archives, name + ".aot");
    return Files.exists(archive) ? List.of("-XX:AOTCache=" + archive) : List.of();
  }
}

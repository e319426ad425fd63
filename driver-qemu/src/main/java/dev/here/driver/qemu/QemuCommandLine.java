package dev.here.driver.qemu;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The command line of a running QEMU, cut into options (QEMU's manual page). Options are given with
 * one dash or two; all but a known few take the next word as their value.
 */
public final class QemuCommandLine {
  private static final Set<String> WITHOUT_VALUE =
      Set.of(
          "h",
          "help",
          "version",
          "S",
          "nographic",
          "enable-kvm",
          "nodefaults",
          "no-reboot",
          "no-shutdown",
          "no-acpi",
          "no-hpet",
          "no-fd-bootchk",
          "no-user-config",
          "snapshot",
          "full-screen",
          "daemonize",
          "singlestep",
          "usb",
          "only-migratable",
          "preconfig",
          "mem-prealloc",
          "alt-grab",
          "ctrl-grab",
          "no-quit",
          "win2k-hack",
          "enable-sync-profile",
          "nouserconfig",
          "curses",
          "semihosting",
          "old-param",
          "portrait",
          "sdl");

  /** A member of a flat JSON object whose value is a word or a number. */
  private static final Pattern MEMBER = Pattern.compile("\"([^\"]+)\"\\s*:\\s*\"?([^\",}]*)\"?");

  private final String executable;
  private final List<Option> options;

  private QemuCommandLine(String executable, List<Option> options) {
    this.executable = executable;
    this.options = List.copyOf(options);
  }

  /**
   * One option.
   *
   * @param name without dashes
   * @param value empty for an option that takes none
   */
  public record Option(String name, String value) {}

  /** Cuts {@code words}, the program's name first. */
  public static QemuCommandLine of(List<String> words) {
    var options = new ArrayList<Option>();
    for (int i = 1; i < words.size(); i++) {
      String word = words.get(i);
      if (!word.startsWith("-")) {
        options.add(new Option("drive", word));
        continue;
      }
      String name = word.substring(word.startsWith("--") ? 2 : 1);
      boolean valued = !WITHOUT_VALUE.contains(name) && i + 1 < words.size();
      options.add(new Option(name, valued ? words.get(++i) : ""));
    }
    return new QemuCommandLine(words.isEmpty() ? "" : words.getFirst(), options);
  }

  /** The program as it was called. */
  public String executable() {
    return executable;
  }

  /** Values of all options of these names, in order. */
  public List<String> values(String... names) {
    var wanted = Set.of(names);
    return options.stream().filter(o -> wanted.contains(o.name())).map(Option::value).toList();
  }

  /** True if the option is there. */
  public boolean has(String name) {
    return options.stream().anyMatch(o -> o.name().equals(name));
  }

  /** Value of the last option of these names. */
  public Optional<String> last(String... names) {
    List<String> all = values(names);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
  }

  /** An option of a network back end, which is given as words or as JSON (since QEMU 7.2). */
  Optional<String> backEndOption(String id, String option) {
    for (String value : values("netdev", "nic")) {
      Map<String, String> all =
          value.startsWith("{") ? jsonMembers(value) : suboptions(value, "type");
      if (id.equals(all.get("id")) && all.containsKey(option)) {
        return Optional.of(all.get(option));
      }
    }
    return Optional.empty();
  }

  private static Map<String, String> jsonMembers(String value) {
    return MEMBER
        .matcher(value)
        .results()
        .collect(Collectors.toMap(m -> m.group(1), m -> m.group(2), (first, second) -> second));
  }

  /**
   * Cuts an option's value at commas (two commas stand for one), in order.
   *
   * @param implied the name of a first part without {@code =}
   */
  static Map<String, String> suboptions(String value, String implied) {
    var parts = new LinkedHashMap<String, String>();
    var part = new StringBuilder();
    boolean first = true;
    for (int i = 0; i <= value.length(); i++) {
      boolean end = i == value.length();
      if (!end && value.charAt(i) == ',' && i + 1 < value.length() && value.charAt(i + 1) == ',') {
        part.append(',');
        i++;
      } else if (end || value.charAt(i) == ',') {
        put(parts, part.toString(), first ? implied : "");
        part.setLength(0);
        first = false;
      } else {
        part.append(value.charAt(i));
      }
    }
    return parts;
  }

  private static void put(Map<String, String> parts, String part, String implied) {
    int equals = part.indexOf('=');
    if (equals >= 0) {
      parts.put(part.substring(0, equals), part.substring(equals + 1));
    } else if (!part.isEmpty()) {
      parts.put(implied.isEmpty() ? part : implied, implied.isEmpty() ? "on" : part);
    }
  }
}

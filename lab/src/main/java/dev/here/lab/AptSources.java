package dev.here.lab;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Finds where this machine gets Debian's packages from, so that images are built from the same
 * mirror. Reads both of apt's formats (sources.list(5)).
 */
final class AptSources {
  /** The Debian release that virtual hosts and guests are made of. */
  static final String RELEASE = "bookworm";

  private static final Path APT = Path.of("/etc/apt");
  private static final Set<String> FAMILIES = Set.of("bookworm", "trixie", "forky", "sid");

  private AptSources() {}

  /** Lines in one-line format for {@link #RELEASE}, as mmdebstrap takes them. */
  static List<String> debianLines() {
    try {
      return debianLines(APT);
    } catch (IOException e) {
      throw new LabException("the apt sources in /etc/apt cannot be read: " + e.getMessage(), e);
    }
  }

  static List<String> debianLines(Path apt) throws IOException {
    List<String> lines = new ArrayList<>();
    for (Path file : sourceFiles(apt)) {
      String text = Files.readString(file);
      lines.addAll(
          file.toString().endsWith(".sources") ? fromStanzas(text) : fromOneLineStyle(text));
    }
    if (lines.isEmpty()) {
      throw new LabException(
          "no Debian archive stands in this machine's apt sources: the lab's images are made of"
              + " Debian packages; run it on Debian, or add a Debian source to /etc/apt");
    }
    return lines.stream().distinct().toList();
  }

  private static List<Path> sourceFiles(Path apt) throws IOException {
    List<Path> files = new ArrayList<>();
    Path main = apt.resolve("sources.list");
    if (Files.isRegularFile(main)) {
      files.add(main);
    }
    Path parts = apt.resolve("sources.list.d");
    if (Files.isDirectory(parts)) {
      try (DirectoryStream<Path> found = Files.newDirectoryStream(parts, "*.{list,sources}")) {
        found.forEach(files::add);
      }
    }
    return files.stream().sorted().toList();
  }

  /** The deb822 format: stanzas of fields, lists separated by blanks. */
  static List<String> fromStanzas(String text) {
    List<String> lines = new ArrayList<>();
    for (String stanza : text.split("\\n\\s*\\n", -1)) {
      Map<String, String> fields = fields(stanza);
      if (!fields.getOrDefault("types", "").contains("deb")
          || fields.getOrDefault("enabled", "yes").equals("no")) {
        continue;
      }
      for (String uri : words(fields.getOrDefault("uris", ""))) {
        for (String suite : words(fields.getOrDefault("suites", ""))) {
          add(lines, fields.getOrDefault("signed-by", ""), uri, suite, fields.get("components"));
        }
      }
    }
    return lines;
  }

  private static Map<String, String> fields(String stanza) {
    Map<String, String> fields = new LinkedHashMap<>();
    String last = "";
    for (String line : stanza.split("\\n", -1)) {
      if (line.startsWith("#")) {
        continue;
      }
      int colon = line.indexOf(':');
      if (!line.isEmpty() && Character.isWhitespace(line.charAt(0))) {
        fields.merge(last, line.strip(), (a, b) -> a + " " + b);
      } else if (colon > 0) {
        last = line.substring(0, colon).toLowerCase(Locale.ROOT);
        fields.put(last, line.substring(colon + 1).strip());
      }
    }
    return fields;
  }

  /** The one-line format: {@code deb [options] URI suite components}. */
  static List<String> fromOneLineStyle(String text) {
    List<String> lines = new ArrayList<>();
    for (String line : text.split("\\n", -1)) {
      String rest = line.strip();
      if (!rest.startsWith("deb ") && !rest.startsWith("deb\t")) {
        continue;
      }
      rest = rest.substring(4).strip();
      String signedBy = "";
      if (rest.startsWith("[") && rest.indexOf(']') > 0) {
        for (String option : words(rest.substring(1, rest.indexOf(']')))) {
          signedBy = option.startsWith("signed-by=") ? option.substring(10) : signedBy;
        }
        rest = rest.substring(rest.indexOf(']') + 1).strip();
      }
      List<String> words = words(rest);
      if (words.size() >= 3) {
        add(
            lines,
            signedBy,
            words.get(0),
            words.get(1),
            String.join(" ", words.subList(2, words.size())));
      }
    }
    return lines;
  }

  private static void add(
      List<String> lines,
      String signedBy,
      String uri,
      String suite,
      @org.jspecify.annotations.Nullable String components) {
    int dash = suite.indexOf('-');
    String family = dash < 0 ? suite : suite.substring(0, dash);
    String pocket = dash < 0 ? "" : suite.substring(dash);
    boolean debian =
        FAMILIES.contains(family)
            && Set.of("", "-updates", "-security").contains(pocket)
            && components != null
            && words(components).contains("main");
    if (debian) {
      String option = signedBy.startsWith("/") ? "[signed-by=" + signedBy + "] " : "";
      lines.add("deb " + option + uri + " " + RELEASE + pocket + " main");
    }
  }

  private static List<String> words(String text) {
    return List.of(text.strip().split("\\s+", -1)).stream().filter(w -> !w.isEmpty()).toList();
  }
}

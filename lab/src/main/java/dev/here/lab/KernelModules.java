package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A kernel's loadable modules and their order of loading, from depmod's modules.dep. */
final class KernelModules {
  private final Path folder;
  private final Map<String, List<String>> dependencies = new LinkedHashMap<>();
  private final Map<String, String> paths = new LinkedHashMap<>();

  /**
   * Reads modules.dep.
   *
   * @param folder lib/modules/VERSION of some root
   */
  KernelModules(Path folder) {
    this.folder = folder;
    try {
      for (String line : Files.readAllLines(folder.resolve("modules.dep"))) {
        int colon = line.indexOf(':');
        String path = line.substring(0, colon);
        paths.put(name(path), path);
        dependencies.put(
            name(path),
            List.of(line.substring(colon + 1).strip().split(" ", -1)).stream()
                .filter(d -> !d.isEmpty())
                .map(KernelModules::name)
                .toList());
      }
    } catch (IOException e) {
      throw new LabException("%s/modules.dep cannot be read".formatted(folder), e);
    }
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1).replace(".ko", "").replace('-', '_');
  }

  /** Files of these modules and all that they need, in the order in which they can be loaded. */
  List<Path> closure(List<String> names) {
    Set<String> ordered = new LinkedHashSet<>();
    for (String name : names) {
      visit(name.replace('-', '_'), ordered);
    }
    List<Path> files = new ArrayList<>();
    for (String name : ordered) {
      files.add(folder.resolve(paths.getOrDefault(name, name)));
    }
    return files;
  }

  /** A name that is not listed is built into the kernel. */
  private void visit(String name, Set<String> ordered) {
    List<String> needed = dependencies.get(name);
    if (needed == null || ordered.contains(name)) {
      return;
    }
    needed.forEach(n -> visit(n, ordered));
    ordered.add(name);
  }
}

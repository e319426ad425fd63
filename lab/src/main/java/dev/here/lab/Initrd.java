package dev.here.lab;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * An initial RAM disk: a cpio archive in the "newc" format (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst). Not compressed: a slow host reads it
 * faster than it unpacks it.
 */
final class Initrd {
  private static final int DIRECTORY = 0040755;
  private static final int EXECUTABLE = 0100755;
  private static final int SYMLINK = 0120777;
  private static final int CONSOLE = 0020600;

  private record Entry(String name, int mode, byte[] content) {}

  private final List<Entry> entries = new ArrayList<>();
  private final Set<String> folders = new LinkedHashSet<>();

  Initrd() {
    for (String folder : List.of("dev", "proc", "sys", "root", "tmp", "bin")) {
      addFolder(folder);
    }
    entries.add(new Entry("dev/console", CONSOLE, new byte[0]));
  }

  private void addFolder(String name) {
    if (folders.add(name)) {
      entries.add(new Entry(name, DIRECTORY, new byte[0]));
    }
  }

  Initrd addFile(String name, byte[] content) {
    int slash = name.lastIndexOf('/');
    if (slash > 0) {
      addFolder(name.substring(0, slash));
    }
    entries.add(new Entry(name, EXECUTABLE, content));
    return this;
  }

  Initrd addFile(String name, Path source) {
    try {
      return addFile(name, Files.readAllBytes(source));
    } catch (IOException e) {
      throw new LabException("%s cannot be read for an initrd".formatted(source), e);
    }
  }

  Initrd addLink(String name, String target) {
    entries.add(new Entry(name, SYMLINK, target.getBytes(StandardCharsets.UTF_8)));
    return this;
  }

  /** Adds modules under /modules and their loading order as /modules/order. */
  Initrd addModules(List<Path> modules) {
    StringBuilder order = new StringBuilder();
    for (Path module : modules) {
      addFile("modules/" + module.getFileName(), module);
      order.append(module.getFileName()).append('\n');
    }
    return addFile("modules/order", order.toString().getBytes(StandardCharsets.UTF_8));
  }

  void write(Path file) {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      int inode = 1;
      for (Entry entry : entries) {
        write(out, inode++, entry);
      }
      write(out, 0, new Entry("TRAILER!!!", 0, new byte[0]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(OutputStream out, int inode, Entry entry) throws IOException {
    byte[] name = (entry.name + "\0").getBytes(StandardCharsets.UTF_8);
    boolean device = entry.mode == CONSOLE;
    int[] fields = {
      inode,
      entry.mode,
      0,
      0,
      1,
      0,
      entry.content.length,
      0,
      0,
      device ? 5 : 0,
      device ? 1 : 0,
      name.length,
      0
    };
    StringBuilder header = new StringBuilder("070701");
    for (int field : fields) {
      header.append("%08x".formatted(field));
    }
    out.write(header.toString().getBytes(StandardCharsets.US_ASCII));
    out.write(name);
    out.write(new byte[padding(header.length() + name.length)]);
    out.write(entry.content);
    out.write(new byte[padding(entry.content.length)]);
  }

  private static int padding(int size) {
    return -size & 3;
  }
}

package dev.here.formats.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What QEMU's {@code info mtree -f} says: which addresses are what, at that moment. Format: QEMU
 * 7.2's softmmu/memory.c.
 *
 * @param memory the guest-physical address space, by rising address
 * @param ports the I/O space, by rising address
 */
public record QemuMemoryTree(List<Range> memory, List<Range> ports) {
  private static final int MAX_CHARS = 16 << 20;
  private static final Pattern RANGE =
      Pattern.compile(
          " *([0-9a-f]{16})-([0-9a-f]{16}) \\(prio -?[0-9]+, ([^)]*)\\): (.*?)"
              + "(?: @([0-9a-f]{16}))?(?: KVM)?");

  public QemuMemoryTree {
    memory = List.copyOf(memory);
    ports = List.copyOf(ports);
  }

  /**
   * One range.
   *
   * @param first first address
   * @param last last address
   * @param kind QEMU's word: {@code ram}, {@code rom}, {@code i/o} and others
   * @param name the region's name, for memory its RAM block's last part
   * @param offset where in the region it starts
   */
  public record Range(long first, long last, String kind, String name, long offset) {}

  /**
   * Parses the text.
   *
   * @throws QemuStreamException if it has no view of the memory or of the I/O space
   */
  public static QemuMemoryTree parse(String text) {
    if (text.length() > MAX_CHARS) {
      throw new QemuStreamException(-1, "'info mtree -f' has " + text.length() + " characters");
    }
    List<Range> memory = List.of();
    List<Range> ports = List.of();
    for (String view : text.split("FlatView #[0-9]+", -1)) {
      if (view.contains("AS \"memory\",")) {
        memory = ranges(view);
      } else if (view.contains("AS \"I/O\",")) {
        ports = ranges(view);
      }
    }
    if (memory.isEmpty() || ports.isEmpty()) {
      throw new QemuStreamException(-1, "'info mtree -f' shows no view of memory and I/O space");
    }
    return new QemuMemoryTree(memory, ports);
  }

  private static List<Range> ranges(String view) {
    var ranges = new ArrayList<Range>();
    for (String line : view.lines().toList()) {
      Matcher match = RANGE.matcher(line);
      if (match.matches()) {
        ranges.add(
            new Range(
                Long.parseUnsignedLong(match.group(1), 16),
                Long.parseUnsignedLong(match.group(2), 16),
                match.group(3),
                match.group(4),
                match.group(5) == null ? 0 : Long.parseUnsignedLong(match.group(5), 16)));
      }
    }
    return List.copyOf(ranges);
  }

  /** The range that holds a guest-physical address. */
  public Optional<Range> at(long gpa) {
    return memory.stream().filter(range -> gpa >= range.first() && gpa <= range.last()).findFirst();
  }

  /** First ports of the ranges of a name, by rising port. */
  public List<Integer> portsNamed(String name) {
    return ports.stream()
        .filter(range -> range.name().equals(name) && range.offset() == 0)
        .map(range -> (int) range.first())
        .toList();
  }

  /** Whether memory holds a region of a name, e.g. {@code kvm-ioapic}. */
  boolean hasMemory(String name) {
    return memory.stream().anyMatch(range -> range.name().equals(name));
  }
}

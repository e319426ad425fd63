package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads {@code info qtree} (QEMU's softmmu/qdev-monitor.c prints it): buses and devices by
 * indentation, two spaces a level, properties as {@code name = value}.
 */
final class QtreeText {
  private static final int MAX_DEVICES = 1024;
  private static final int MAX_LEVELS = 64;
  private static final Pattern DEVICE = Pattern.compile("dev: ([^,]+), id \"(.*)\"");
  private static final Pattern PROPERTY = Pattern.compile("([A-Za-z0-9_.-]+) = (.*)");
  private static final Pattern EXPLANATION = Pattern.compile("(-?[0-9]+) \\(.*\\)");

  private final List<Draft> drafts = new ArrayList<>();
  private final List<Level> levels = new ArrayList<>();

  private record Draft(
      String type, String id, String bus, int parent, Map<String, String> properties) {}

  /** An open bus or device: {@code device} is -1 for a bus. */
  private record Level(int indent, int device, String bus) {}

  private QtreeText() {}

  /**
   * The devices in printed order; a device comes before those on its buses.
   *
   * @throws HypervisorException for a text that is not such a tree
   */
  static List<QtreeDevice> parse(String text) {
    var reading = new QtreeText();
    text.lines().filter(line -> !line.isBlank()).forEach(reading::line);
    if (reading.drafts.isEmpty()) {
      throw new HypervisorException("QEMU's 'info qtree' shows no device");
    }
    return reading.drafts.stream()
        .map(d -> new QtreeDevice(d.type(), d.id(), d.bus(), d.parent(), d.properties()))
        .toList();
  }

  private void line(String line) {
    String content = line.stripLeading();
    int indent = line.length() - content.length();
    while (!levels.isEmpty() && levels.getLast().indent() >= indent) {
      levels.removeLast();
    }
    if (levels.size() > MAX_LEVELS) {
      throw new HypervisorException("QEMU's 'info qtree' nests deeper than " + MAX_LEVELS);
    }
    Matcher device = DEVICE.matcher(content);
    if (content.startsWith("bus: ")) {
      levels.add(new Level(indent, -1, content.substring("bus: ".length())));
    } else if (device.matches()) {
      open(indent, device.group(1), device.group(2));
    } else {
      property(content);
    }
  }

  private void open(int indent, String type, String id) {
    if (drafts.size() == MAX_DEVICES) {
      throw new HypervisorException("QEMU's 'info qtree' shows more than " + MAX_DEVICES);
    }
    if (levels.isEmpty() || levels.getLast().device() >= 0) {
      throw new HypervisorException(
          "QEMU's 'info qtree' shows device '%s' on no bus".formatted(type));
    }
    int parent = -1;
    for (Level level : levels) {
      parent = Math.max(parent, level.device());
    }
    drafts.add(new Draft(type, id, levels.getLast().bus(), parent, new LinkedHashMap<>()));
    levels.add(new Level(indent, drafts.size() - 1, ""));
  }

  private void property(String content) {
    Matcher property = PROPERTY.matcher(content);
    if (levels.isEmpty() || levels.getLast().device() < 0 || !property.matches()) {
      return;
    }
    drafts
        .get(levels.getLast().device())
        .properties()
        .put(property.group(1), value(property.group(2)));
  }

  private static String value(String printed) {
    if (printed.length() >= 2 && printed.startsWith("\"") && printed.endsWith("\"")) {
      return printed.substring(1, printed.length() - 1);
    }
    Matcher explained = EXPLANATION.matcher(printed);
    return explained.matches() ? explained.group(1) : printed;
  }
}

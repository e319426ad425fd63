package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code info ramblock} (QEMU's softmmu/physmem.c prints it). */
final class RamblockText {
  private static final int MAX_BLOCKS = 512;
  private static final Pattern BLOCK =
      Pattern.compile(
          "\\s*(\\S.*?)\\s+\\d+ [KMGT]iB\\s+0x[0-9a-f]{16}\\s+0x([0-9a-f]{16})\\s+0x([0-9a-f]{16})"
              + "(\\s+\\S+)*\\s*");

  private RamblockText() {}

  /**
   * The blocks in QEMU's order.
   *
   * @throws HypervisorException for a line that is no block
   */
  static List<QemuRamBlock> parse(String text) {
    var blocks = new ArrayList<QemuRamBlock>();
    for (String line : text.lines().filter(l -> !l.isBlank()).toList()) {
      Matcher block = BLOCK.matcher(line);
      if (!block.matches()) {
        if (line.stripLeading().startsWith("Block Name")) {
          continue;
        }
        throw new HypervisorException(
            "QEMU's 'info ramblock' has a line that is no block: '%s'"
                .formatted(line.substring(0, Math.min(line.length(), 120))));
      }
      if (blocks.size() == MAX_BLOCKS) {
        throw new HypervisorException("QEMU's 'info ramblock' shows more than " + MAX_BLOCKS);
      }
      long used = Long.parseUnsignedLong(block.group(2), 16);
      long max = Long.parseUnsignedLong(block.group(3), 16);
      if (used <= 0 || max < used) {
        throw new HypervisorException(
            "QEMU's RAM block %s has %d octets used of %d".formatted(block.group(1), used, max));
      }
      blocks.add(new QemuRamBlock(block.group(1), used, max));
    }
    if (blocks.isEmpty()) {
      throw new HypervisorException("QEMU's 'info ramblock' shows no block");
    }
    return List.copyOf(blocks);
  }
}

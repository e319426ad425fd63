package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import dev.here.machine.CpuidLeaf;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Compares measured CPUID answers with QEMU's own account of a vCPU (property {@code
 * feature-words}): they must agree in every bit that does not change while the guest runs.
 */
final class FeatureWords {
  /**
   * Bits that follow the guest's control registers (OSXSAVE, OSPKE, the local APIC's switch) or
   * that QEMU adds for the topology when it answers (HTT, CmpLegacy).
   */
  private static final Map<String, Integer> CHANGING =
      Map.of(
          "1 ECX", 1 << 27,
          "7 ECX", 1 << 4,
          "1 EDX", 1 << 9 | 1 << 28,
          "80000001 ECX", 1 << 1,
          "80000001 EDX", 1 << 9);

  private FeatureWords() {}

  /**
   * Checks one vCPU.
   *
   * @param words answer of {@code qom-get feature-words}
   * @throws HypervisorException naming the first leaf that differs
   */
  static void check(JsonNode words, List<CpuidLeaf> leaves) {
    for (JsonNode word : words) {
      int leaf = (int) word.path("cpuid-input-eax").asLong(0);
      int subleaf = (int) word.path("cpuid-input-ecx").asLong(0);
      String register = word.path("cpuid-register").asString("");
      int expected = (int) word.path("features").asLong(0);
      int measured =
          leaves.stream()
              .filter(l -> l.leaf() == leaf && l.subleaf() == subleaf)
              .findFirst()
              .map(l -> value(l, register))
              .orElse(0);
      int changing = CHANGING.getOrDefault(Integer.toHexString(leaf) + " " + register, 0);
      if (((expected ^ measured) & ~changing) != 0) {
        throw new HypervisorException(
            ("the CPUID probe measured 0x%08x in leaf 0x%x.%d %s, the guest's QEMU says 0x%08x:"
                    + " the guest was started with other CPU options than its command line shows")
                .formatted(measured, leaf, subleaf, register, expected));
      }
    }
  }

  private static int value(CpuidLeaf leaf, String register) {
    return switch (register) {
      case "EAX" -> leaf.eax();
      case "EBX" -> leaf.ebx();
      case "ECX" -> leaf.ecx();
      default -> leaf.edx();
    };
  }
}

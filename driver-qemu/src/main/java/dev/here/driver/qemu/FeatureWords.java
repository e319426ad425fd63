package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * QEMU's own account of a vCPU's CPUID bits (property {@code feature-words}), by leaf and register.
 * It follows from QEMU's options and its host's KVM alone, so that two QEMUs of the same options
 * give the same account on one host, whatever their guests have done.
 *
 * @param words for example {@code 0x7.0 EBX} to the bits that are set
 */
record FeatureWords(Map<String, Integer> words) {
  FeatureWords {
    words = Map.copyOf(words);
  }

  /** Asks for those of a vCPU. */
  static FeatureWords of(QmpClient qmp, String vcpuQomPath, Duration timeout) {
    return parse(
        qmp.execute("qom-get", Map.of("path", vcpuQomPath, "property", "feature-words"), timeout));
  }

  /** Reads an answer of {@code qom-get feature-words}. */
  static FeatureWords parse(JsonNode answer) {
    var words = new LinkedHashMap<String, Integer>();
    for (JsonNode word : answer) {
      words.put(
          "0x%x.%d %s"
              .formatted(
                  (int) word.path("cpuid-input-eax").asLong(0),
                  word.path("cpuid-input-ecx").asLong(0),
                  word.path("cpuid-register").asString("")),
          (int) word.path("features").asLong(0));
    }
    return new FeatureWords(words);
  }

  /**
   * Compares these, the guest's, with those of the copy that CPUID was measured in.
   *
   * @throws HypervisorException naming a word that differs
   */
  void requireSame(FeatureWords measured) {
    if (!words.keySet().equals(measured.words.keySet())) {
      throw new HypervisorException(
          "the guest's QEMU and a second QEMU with its options know other CPUID words: %s and %s"
              .formatted(words.keySet(), measured.words.keySet()));
    }
    words.forEach((name, value) -> {
      int other = measured.words.getOrDefault(name, ~value);
      if (value != other) {
        throw new HypervisorException(
            ("a second QEMU with the guest's options has 0x%08x in CPUID word %s, the guest's"
                    + " own has 0x%08x: the guest was started with other CPU options than its"
                    + " command line shows")
                .formatted(other, name, value));
      }
    });
  }
}

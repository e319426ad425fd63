package dev.here.vmm;

import dev.here.machine.CpuidLeaf;
import dev.here.machine.VcpuState;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The CPU features that a guest was shown beside those that this host's KVM can give. KVM takes any
 * CPUID and executes what the processor has: a guest that was shown more would run here, and its
 * programs die of the first instruction that is missing. Which bits count, and their names, stand
 * in the resource cpu-features.txt.
 */
final class CpuFeatures {
  private static final String RESOURCE = "cpu-features.txt";
  private static final String NOT_COMPARED = ".";

  /** The leaf in which a hypervisor says its name; EBX has its first four letters. */
  private static final int HYPERVISOR_NAME = 0x40000000;

  private static final int HYPERVISOR_FEATURES = 0x40000001;
  private static final int NAMED_KVM = 0x4b4d564b;
  private static final int HEXADECIMAL = 16;

  private enum Register {
    EAX,
    EBX,
    ECX,
    EDX
  }

  private record Word(int leaf, int subleaf, Register register, List<String> bits) {
    private static Word parse(String line) {
      List<String> fields = List.of(line.split(" "));
      return new Word(
          Integer.parseUnsignedInt(fields.get(0), HEXADECIMAL),
          Integer.parseUnsignedInt(fields.get(1), HEXADECIMAL),
          Register.valueOf(fields.get(2).toUpperCase(Locale.ROOT)),
          fields.subList(3, fields.size()));
    }

    private int of(Collection<CpuidLeaf> leaves) {
      return leaves.stream()
          .filter(entry -> entry.leaf() == leaf && entry.subleaf() == subleaf)
          .mapToInt(entry ->
              switch (register) {
                case EAX -> entry.eax();
                case EBX -> entry.ebx();
                case ECX -> entry.ecx();
                case EDX -> entry.edx();
              })
          .findFirst()
          .orElse(0);
    }

    private void addNames(int value, Set<String> names) {
      for (int bit = 0; bit < bits.size(); bit++) {
        if ((value >>> bit & 1) != 0 && !bits.get(bit).equals(NOT_COMPARED)) {
          names.add(bits.get(bit));
        }
      }
    }
  }

  private static final List<Word> WORDS = read();

  private CpuFeatures() {}

  /**
   * @param here what a guest that boots on this host is shown
   * @throws VmmException naming the features that a vCPU was shown and this host has not
   */
  static void requireOffered(List<VcpuState> vcpus, List<CpuidLeaf> here) {
    Set<String> missing = new LinkedHashSet<>();
    for (VcpuState vcpu : vcpus) {
      missing.addAll(missing(vcpu.cpuid(), here));
    }
    if (!missing.isEmpty()) {
      throw new VmmException(
          "the guest's processor has features that this host's KVM has not: %s; start the guest with"
                  .formatted(String.join(", ", missing))
              + " a CPU model that both hosts have, or without these (QEMU: -cpu MODEL,%s)"
                  .formatted(String.join(",", missing.stream().map(name -> "-" + name).toList())));
    }
  }

  /** Names of the features that {@code shown} has and {@code here} has not, in CPUID's order. */
  static Set<String> missing(List<CpuidLeaf> shown, List<CpuidLeaf> here) {
    Set<String> names = new LinkedHashSet<>();
    for (Word word : WORDS) {
      if (word.leaf() != HYPERVISOR_FEATURES || isOfKvm(shown)) {
        word.addNames(word.of(shown) & ~word.of(here), names);
      }
    }
    return names;
  }

  private static boolean isOfKvm(List<CpuidLeaf> shown) {
    return shown.stream()
        .anyMatch(entry -> entry.leaf() == HYPERVISOR_NAME && entry.ebx() == NAMED_KVM);
  }

  private static List<Word> read() {
    try (InputStream text = CpuFeatures.class.getResourceAsStream(RESOURCE)) {
      if (text == null) {
        throw new IllegalStateException("this program lacks its part " + RESOURCE);
      }
      List<Word> words = new ArrayList<>();
      for (String line :
          new String(text.readAllBytes(), StandardCharsets.US_ASCII).lines().toList()) {
        if (!line.startsWith("#")) {
          words.add(Word.parse(line));
        }
      }
      return List.copyOf(words);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

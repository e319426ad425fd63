package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import dev.here.machine.CpuidLeaf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * What {@link ProbeImage} printed, read back: the answers of CPUID for each vCPU.
 *
 * @param apicId the vCPU's initial APIC id
 * @param leaves every answer, by leaf and subleaf
 */
record CpuidAnswers(int apicId, List<CpuidLeaf> leaves) {
  private static final int MAX_VCPUS = 8;
  private static final int MAX_RECORDS = 1024;
  private static final int LEAF_TOPOLOGY = 0xb;

  CpuidAnswers {
    leaves = List.copyOf(leaves);
  }

  /**
   * Reads the probe's output.
   *
   * @return the vCPUs by rising APIC id
   * @throws HypervisorException when it is cut short or not the probe's
   */
  static List<CpuidAnswers> parse(byte[] output) {
    ByteBuffer in = ByteBuffer.wrap(output).order(ByteOrder.LITTLE_ENDIAN);
    text(in, ProbeImage.MAGIC);
    int vcpus = number(in, 1, MAX_VCPUS, "vCPUs");
    var found = new ArrayList<CpuidAnswers>();
    for (int i = 0; i < vcpus; i++) {
      int octets = number(in, 0, MAX_RECORDS * ProbeImage.RECORD_BYTES, "octets of a vCPU");
      if (octets % ProbeImage.RECORD_BYTES != 0 || octets > in.remaining()) {
        throw damaged("a vCPU has %d octets of %d left".formatted(octets, in.remaining()));
      }
      found.add(answers(in, octets / ProbeImage.RECORD_BYTES));
    }
    text(in, ProbeImage.END);
    found.sort(Comparator.comparingInt(CpuidAnswers::apicId));
    for (int i = 1; i < found.size(); i++) {
      if (found.get(i).apicId() == found.get(i - 1).apicId()) {
        throw damaged("APIC id %d comes twice".formatted(found.get(i).apicId()));
      }
    }
    return List.copyOf(found);
  }

  private static CpuidAnswers answers(ByteBuffer in, int records) {
    var leaves = new ArrayList<CpuidLeaf>();
    for (int i = 0; i < records; i++) {
      int leaf = in.getInt();
      int subleaf = in.getInt();
      boolean significant = ProbeImage.SUBLEAVES.containsKey(leaf);
      leaves.add(
          new CpuidLeaf(
              leaf, subleaf, significant, in.getInt(), in.getInt(), in.getInt(), in.getInt()));
    }
    return new CpuidAnswers(apicId(leaves), pruned(leaves));
  }

  /** Leaf 0BH says all of the APIC id where it is there, leaf 1 its low 8 bits. */
  private static int apicId(List<CpuidLeaf> leaves) {
    int id = -1;
    for (CpuidLeaf leaf : leaves) {
      if (leaf.leaf() == 1) {
        id = id < 0 ? leaf.ebx() >>> 24 : id;
      } else if (leaf.leaf() == LEAF_TOPOLOGY && leaf.subleaf() == 0 && leaf.ebx() != 0) {
        id = leaf.edx();
      }
    }
    if (id < 0) {
      throw damaged("a vCPU did not answer leaf 1");
    }
    return id;
  }

  /**
   * Leaves out ranges that are not there (a CPU answers them with its highest basic leaf), and
   * subleaves that are all zero beyond the first.
   */
  private static List<CpuidLeaf> pruned(List<CpuidLeaf> leaves) {
    var kept = new ArrayList<CpuidLeaf>();
    for (CpuidLeaf leaf : leaves) {
      int range = range(leaf.leaf());
      boolean there =
          leaves.stream()
              .filter(l -> l.leaf() == range)
              .anyMatch(l ->
                  Integer.compareUnsigned(l.eax(), range) >= 0
                      && Integer.compareUnsigned(l.eax() - range, 0x3f) <= 0
                      && Integer.compareUnsigned(leaf.leaf(), l.eax()) <= 0);
      boolean empty = leaf.eax() == 0 && leaf.ebx() == 0 && leaf.ecx() == 0 && leaf.edx() == 0;
      if (there && !(empty && leaf.subleaf() > 0)) {
        kept.add(leaf);
      }
    }
    return kept;
  }

  private static int range(int leaf) {
    int range = 0;
    for (int base : ProbeImage.RANGES) {
      if (Integer.compareUnsigned(leaf, base) >= 0) {
        range = base;
      }
    }
    return range;
  }

  private static void text(ByteBuffer in, String expected) {
    byte[] octets = new byte[Math.min(in.remaining(), expected.length())];
    in.get(octets);
    if (!Arrays.equals(octets, expected.getBytes(StandardCharsets.US_ASCII))) {
      throw damaged("'%s' is missing".formatted(expected));
    }
  }

  private static int number(ByteBuffer in, int min, int max, String what) {
    if (in.remaining() < Integer.BYTES) {
      throw damaged("it ends before the number of " + what);
    }
    int number = in.getInt();
    if (number < min || number > max) {
      throw damaged("%d %s, must be %d to %d".formatted(number, what, min, max));
    }
    return number;
  }

  private static HypervisorException damaged(String what) {
    return new HypervisorException("the CPUID probe's output is not whole: " + what);
  }
}

package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One answer of CPUID in Xen's policy of a guest, {@code xen_cpuid_leaf_t}: six 32-bit numbers.
 *
 * @param leaf EAX on entry
 * @param subleaf ECX on entry; FFFFFFFFh where it does not matter
 * @param eax result
 * @param ebx result
 * @param ecx result
 * @param edx result
 */
public record XenCpuidLeaf(int leaf, int subleaf, int eax, int ebx, int ecx, int edx) {
  /** Subleaf of a leaf that has none. */
  public static final int NO_SUBLEAF = 0xffffffff;

  static final int BYTES = 24;

  /** Most leaves of a policy; Xen 4.17 has up to 135. */
  static final int MAX_LEAVES = 512;

  /**
   * Decodes a policy as {@code xc_cpu_policy_serialise} gives it.
   *
   * @throws XenFormatException if it is not a whole number of leaves, or too many
   */
  public static List<XenCpuidLeaf> decode(Bytes octets) {
    if (octets.length() % BYTES != 0 || octets.length() / BYTES > MAX_LEAVES) {
      throw new XenFormatException(
          -1,
          "a CPUID policy of %d octets, must be up to %d leaves of %d"
              .formatted(octets.length(), MAX_LEAVES, BYTES));
    }
    var leaves = new ArrayList<XenCpuidLeaf>();
    for (byte[] entry : HvmFields.split(octets, BYTES)) {
      ByteBuffer in = ByteBuffer.wrap(entry).order(ByteOrder.LITTLE_ENDIAN);
      leaves.add(
          new XenCpuidLeaf(
              in.getInt(), in.getInt(), in.getInt(), in.getInt(), in.getInt(), in.getInt()));
    }
    return leaves;
  }

  /** The octets of a policy. */
  public static Bytes encode(List<XenCpuidLeaf> leaves) {
    ByteBuffer out = ByteBuffer.allocate(leaves.size() * BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (XenCpuidLeaf leaf : leaves) {
      out.putInt(leaf.leaf).putInt(leaf.subleaf);
      out.putInt(leaf.eax).putInt(leaf.ebx).putInt(leaf.ecx).putInt(leaf.edx);
    }
    return Bytes.of(out.array());
  }
}

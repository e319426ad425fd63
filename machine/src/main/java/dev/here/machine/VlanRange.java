package dev.here.machine;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A run of VLANs (IEEE 802.1Q).
 *
 * @param first 1 to 4094
 * @param last first to 4094
 */
public record VlanRange(int first, int last) {
  private static final int MAX_VLAN = 4094;

  public VlanRange {
    Bounds.range("vlans.first", first, 1, MAX_VLAN);
    Bounds.range("vlans.last", last, first, MAX_VLAN);
  }

  /** A set's runs, rising, with a gap before each but the first. */
  public static List<VlanRange> of(BitSet vlans) {
    List<VlanRange> ranges = new ArrayList<>();
    for (int first = vlans.nextSetBit(0); first >= 0; ) {
      int last = vlans.nextClearBit(first) - 1;
      ranges.add(new VlanRange(first, last));
      first = vlans.nextSetBit(last + 1);
    }
    return List.copyOf(ranges);
  }

  /** The VLANs of all runs. */
  public static BitSet set(List<VlanRange> ranges) {
    BitSet vlans = new BitSet();
    ranges.forEach(range -> vlans.set(range.first, range.last + 1));
    return vlans;
  }

  /** As bridge(8) shows it. */
  @Override
  public String toString() {
    return first == last ? Integer.toString(first) : first + "-" + last;
  }
}

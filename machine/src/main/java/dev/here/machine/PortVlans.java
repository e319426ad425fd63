package dev.here.machine;

import java.util.BitSet;
import java.util.List;
import java.util.StringJoiner;

/**
 * The VLANs of a port of a bridge that filters them.
 *
 * @param pvid the VLAN of frames that come without a tag; 0: such frames are dropped
 * @param untagged VLANs whose frames leave through the port without a tag; rising runs with gaps
 *     between them
 * @param tagged VLANs whose frames leave with one; likewise
 */
public record PortVlans(int pvid, List<VlanRange> untagged, List<VlanRange> tagged) {
  /** Most runs of each kind. */
  public static final int MAX_RANGES = 128;

  /** What a bridge gives to a port unless it is told otherwise. */
  public static final PortVlans USUAL = new PortVlans(1, List.of(new VlanRange(1, 1)), List.of());

  public PortVlans {
    untagged = List.copyOf(untagged);
    tagged = List.copyOf(tagged);
    rising("untagged VLANs", untagged);
    rising("tagged VLANs", tagged);
    BitSet all = VlanRange.set(untagged);
    if (all.intersects(VlanRange.set(tagged))) {
      throw new InvalidMachineStateException("a port has a VLAN both untagged and tagged");
    }
    all.or(VlanRange.set(tagged));
    if (pvid != 0 && (pvid < 0 || !all.get(pvid))) {
      throw new InvalidMachineStateException(
          "a port's PVID is %d, which is none of its VLANs".formatted(pvid));
    }
  }

  private static void rising(String field, List<VlanRange> ranges) {
    Bounds.range(field, ranges.size(), 0, MAX_RANGES);
    for (int at = 1; at < ranges.size(); at++) {
      Bounds.range(field, ranges.get(at).first(), ranges.get(at - 1).last() + 2, 4094);
    }
  }

  /** For people: {@code PVID 10, untagged 10, tagged 20-29,31}. */
  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(", ");
    text.add(pvid == 0 ? "no PVID" : "PVID " + pvid);
    add(text, "untagged ", untagged);
    add(text, "tagged ", tagged);
    return text.toString();
  }

  private static void add(StringJoiner text, String kind, List<VlanRange> ranges) {
    if (!ranges.isEmpty()) {
      StringJoiner runs = new StringJoiner(",", kind, "");
      ranges.forEach(range -> runs.add(range.toString()));
      text.add(runs.toString());
    }
  }
}

package dev.here.formats.qemu;

import java.util.ArrayList;
import java.util.List;

/**
 * A decoded device state with the octets of its sections. Most devices do nothing between two
 * checkpoints, and their sections come again as they were: {@link VmStateReader#readNext} takes
 * them from here.
 */
public final class DecodedSections {
  private static final DecodedSections NONE =
      new DecodedSections(new VmState(List.of()), new byte[0], new int[0]);

  private final VmState state;
  private final byte[] octets;
  private final int[] bounds;

  /**
   * @param bounds where each section begins and ends in {@code octets}, behind its type and behind
   *     its footer
   */
  private DecodedSections(VmState state, byte[] octets, int[] bounds) {
    this.state = state;
    this.octets = octets;
    this.bounds = bounds;
  }

  /** Of no state yet. */
  public static DecodedSections none() {
    return NONE;
  }

  /** All sections, decoded. */
  public VmState state() {
    return state;
  }

  /** How many octets the section {@code index} has, if just these come next; otherwise 0. */
  int repeatedOctets(int index, StateCursor in) {
    if (index >= state.sections().size()) {
      return 0;
    }
    int begin = bounds[2 * index];
    int end = bounds[2 * index + 1];
    return in.comesNext(octets, begin, end) ? end - begin : 0;
  }

  /** The section {@code index}, for the next state. */
  VmState.Section again(int index) {
    return state.sections().get(index);
  }

  /** Takes sections in stream order. */
  static final class Builder {
    private final byte[] octets;
    private final List<VmState.Section> sections = new ArrayList<>();
    private final List<Integer> bounds = new ArrayList<>();

    Builder(byte[] octets) {
      this.octets = octets;
    }

    int count() {
      return sections.size();
    }

    void add(VmState.Section section, int begin, int end) {
      sections.add(section);
      bounds.add(begin);
      bounds.add(end);
    }

    DecodedSections build() {
      return new DecodedSections(
          new VmState(sections), octets, bounds.stream().mapToInt(Integer::intValue).toArray());
    }
  }
}

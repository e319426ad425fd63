package dev.here.formats.qemu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A decoded device state with the octets of its sections. Most devices do nothing between two
 * checkpoints, and their sections come again as they were: {@link VmStateReader#readNext} takes
 * them from here.
 */
public final class DecodedSections {
  private static final DecodedSections NONE =
      new DecodedSections(new VmState(List.of()), new byte[0], new int[0], Map.of());

  private final VmState state;
  private final byte[] octets;
  private final int[] bounds;
  private final Map<String, Table> tables;

  /**
   * @param bounds where each section begins and ends in {@code octets}, behind its type and behind
   *     its footer
   * @param tables the large ones by their path
   */
  private DecodedSections(VmState state, byte[] octets, int[] bounds, Map<String, Table> tables) {
    this.state = state;
    this.octets = octets;
    this.bounds = bounds;
    this.tables = tables;
  }

  /**
   * A large array of structures: that of a network card's queues stands where its section does not.
   *
   * @param octets of the state that it was decoded from, {@code begin} to {@code end} the table's
   */
  record Table(byte[] octets, int begin, int end, List<VmStruct> elements) {
    int length() {
      return end - begin;
    }

    boolean comesNext(StateCursor in) {
      return in.comesNext(octets, begin, end);
    }
  }

  /** The table that was at {@code path}. */
  Optional<Table> table(String path) {
    return Optional.ofNullable(tables.get(path));
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
    private final Map<String, Table> tables;

    /**
     * @param earlier whose tables count as long as no other comes in their place
     */
    Builder(byte[] octets, DecodedSections earlier) {
      this.octets = octets;
      this.tables = new HashMap<>(earlier.tables);
    }

    void add(String path, Table table) {
      tables.put(path, table);
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
          new VmState(sections),
          octets,
          bounds.stream().mapToInt(Integer::intValue).toArray(),
          tables);
    }
  }
}

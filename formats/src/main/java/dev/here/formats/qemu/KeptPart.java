package dev.here.formats.qemu;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A part of the machine state that follows from some sections of the device state and from nothing
 * else that changes. It is kept as long as those stand unchanged, which most do between two
 * checkpoints: {@link DecodedSections} gives them again as the same objects. For one thread.
 */
final class KeptPart<T> {
  private List<VmStruct> sources = List.of();
  private Optional<T> part = Optional.empty();

  /**
   * The part, translated where one of its sections is another than the last time.
   *
   * @param from all that {@code translation} looks at, always in the same order
   */
  T of(List<VmStruct> from, Supplier<T> translation) {
    if (part.isEmpty() || !isFrom(from)) {
      part = Optional.empty();
      T fresh = translation.get();
      sources = List.copyOf(from);
      part = Optional.of(fresh);
    }
    return part.get();
  }

  /** By identity: what is equal only was decoded anew, and to compare it takes longer. */
  @SuppressWarnings("ReferenceEquality")
  private boolean isFrom(List<VmStruct> from) {
    if (from.size() != sources.size()) {
      return false;
    }
    for (int index = 0; index < from.size(); index++) {
      if (from.get(index) != sources.get(index)) {
        return false;
      }
    }
    return true;
  }
}

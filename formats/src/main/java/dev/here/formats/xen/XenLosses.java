package dev.here.formats.xen;

import dev.here.machine.LostField;
import java.util.ArrayList;
import java.util.List;

/** Collects what a translation could not carry. */
final class XenLosses {
  private final List<LostField> lost = new ArrayList<>();

  void add(String path, long value, String reason) {
    lost.add(new LostField(path, "0x" + Long.toHexString(value), reason));
  }

  void addAll(List<LostField> more) {
    lost.addAll(more);
  }

  List<LostField> lost() {
    return lost;
  }
}

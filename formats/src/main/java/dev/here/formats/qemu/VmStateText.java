package dev.here.formats.qemu;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Writes a decoded device state for people: one value a line, indented by structure. */
public final class VmStateText {
  private static final int MAX_OCTETS = 32;

  private final StringBuilder out = new StringBuilder();

  private VmStateText() {}

  /** The text of a whole state. */
  public static String of(VmState state) {
    var text = new VmStateText();
    for (VmState.Section section : state.sections()) {
      text.line(
          0, "%s [%d] version %d".formatted(section.name(), section.instance(), section.version()));
      text.struct(1, section.content());
    }
    return text.out.toString();
  }

  private void struct(int depth, VmStruct struct) {
    for (Map.Entry<String, VmValue> field : struct.fields().entrySet()) {
      value(depth, field.getKey(), field.getValue());
    }
    for (Map.Entry<String, VmStruct> part : struct.subsections().entrySet()) {
      line(depth, part.getKey());
      struct(depth + 1, part.getValue());
    }
  }

  private void value(int depth, String name, VmValue value) {
    switch (value) {
      case VmValue.Scalar scalar -> line(depth, name + " " + RamPages.hex(scalar.value()));
      case VmValue.Scalars scalars -> line(depth, name + " " + numbers(scalars.values()));
      case VmValue.Octets octets -> line(depth, name + " " + octets(octets.bytes()));
      case VmValue.Nested nested -> {
        line(depth, name);
        struct(depth + 1, nested.struct());
      }
      case VmValue.Structs structs -> elements(depth, name, structs.elements());
    }
  }

  /** Runs of elements that are all zero are many (1024 queues) and say nothing. */
  private void elements(int depth, String name, List<VmStruct> elements) {
    for (int i = 0; i < elements.size(); i++) {
      if (elements.size() <= 16 || !elements.get(i).isZero()) {
        line(depth, name + "[" + i + "]");
        struct(depth + 1, elements.get(i));
      }
    }
  }

  private static String numbers(long[] values) {
    var text = new StringBuilder();
    for (long value : values) {
      text.append(text.isEmpty() ? "" : " ").append(RamPages.hex(value));
    }
    return text.toString();
  }

  private static String octets(byte[] bytes) {
    if (bytes.length <= MAX_OCTETS) {
      return HexFormat.of().formatHex(bytes);
    }
    return HexFormat.of().formatHex(bytes, 0, MAX_OCTETS) + "... (" + bytes.length + " octets)";
  }

  private void line(int depth, String text) {
    out.repeat("  ", depth);
    text.chars().forEach(c -> out.append(c >= 0x20 && c < 0x7f ? (char) c : '?'));
    out.append('\n');
  }
}

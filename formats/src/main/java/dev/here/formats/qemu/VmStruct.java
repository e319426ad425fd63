package dev.here.formats.qemu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A decoded section, structure or subsection: named values in stream order. Every accessor refuses
 * a name that is missing or of another kind, with the value's path in the text, and notes that the
 * value was looked at: what never was is what a translation left behind.
 */
public final class VmStruct {
  private final VmPath path;
  private final String vmsdName;
  private Map<String, VmValue> fields;
  private Map<String, VmStruct> subsections = Map.of();

  private Set<String> read = Set.of();

  /** Known where the values are shared by several elements or states. */
  private Optional<Boolean> zero = Optional.empty();

  /**
   * @param path where it stands, e.g. {@code hpet/timer[2]}
   * @param vmsdName QEMU's name of the structure
   */
  VmStruct(VmPath path, String vmsdName) {
    this(path, vmsdName, new LinkedHashMap<>());
  }

  private VmStruct(VmPath path, String vmsdName, Map<String, VmValue> fields) {
    this.path = path;
    this.vmsdName = vmsdName;
    this.fields = fields;
  }

  /**
   * A structure with the same values elsewhere. Queue tables have a thousand like elements: they
   * share what they hold, and each notes for itself what was looked at.
   */
  VmStruct twin(VmPath elsewhere) {
    if (zero.isEmpty()) {
      zero = Optional.of(isZero());
    }
    var twin = new VmStruct(elsewhere, vmsdName, fields);
    twin.zero = zero;
    return twin;
  }

  /** Whether it holds numbers and octets only, so that {@link #twin} may share them. */
  boolean isFlat() {
    if (!subsections.isEmpty()) {
      return false;
    }
    for (VmValue value : fields.values()) {
      if (value instanceof VmValue.Nested || value instanceof VmValue.Structs) {
        return false;
      }
    }
    return true;
  }

  /** Where it stands in the device state. */
  public String path() {
    return path.toString();
  }

  /** Where it stands, for the paths of its parts. */
  VmPath place() {
    return path;
  }

  /** QEMU's name of the structure. */
  public String vmsdName() {
    return vmsdName;
  }

  /** All values by name, in stream order. */
  public Map<String, VmValue> fields() {
    return Collections.unmodifiableMap(fields);
  }

  /** The subsections that are present, by their full name. */
  public Map<String, VmStruct> subsections() {
    return Collections.unmodifiableMap(subsections);
  }

  /** The path of a value of this structure. */
  public String path(String field) {
    return path + "/" + field;
  }

  /** Whether all of its values are zero and it has no subsection. */
  boolean isZero() {
    if (zero.isPresent()) {
      return zero.get();
    }
    if (!subsections.isEmpty()) {
      return false;
    }
    for (VmValue value : fields.values()) {
      if (!value.isZero()) {
        return false;
      }
    }
    return true;
  }

  boolean has(String field) {
    return fields.containsKey(field);
  }

  /** Whether any accessor has given the value out. */
  boolean wasRead(String field) {
    return read.contains(field);
  }

  private @Nullable VmValue value(String field) {
    if (read.isEmpty()) {
      read = new HashSet<>();
    }
    read.add(field);
    return fields.get(field);
  }

  long number(String field) {
    if (value(field) instanceof VmValue.Scalar scalar) {
      return scalar.value();
    }
    throw absent(field, "number");
  }

  /** A number, refused outside {@code low} to {@code high}. */
  int number(String field, int low, int high) {
    long value = number(field);
    if (value < low || value > high) {
      throw new QemuStreamException(
          -1, path(field) + " is " + value + ", expected " + low + " to " + high);
    }
    return (int) value;
  }

  boolean flag(String field) {
    return number(field) != 0;
  }

  long[] numbers(String field) {
    if (value(field) instanceof VmValue.Scalars scalars) {
      return scalars.values();
    }
    throw absent(field, "array of numbers");
  }

  long[] numbers(String field, int count) {
    long[] values = numbers(field);
    if (values.length != count) {
      throw new QemuStreamException(
          -1, path(field) + " has " + values.length + " elements, expected " + count);
    }
    return values;
  }

  /** Octets, also those that QEMU describes as an array of 8-bit numbers. */
  byte[] octets(String field) {
    return switch (value(field)) {
      case VmValue.Octets octets -> octets.bytes();
      case VmValue.Scalars scalars -> {
        byte[] bytes = new byte[scalars.values().length];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) scalars.values()[i];
        }
        yield bytes;
      }
      case null, default -> throw absent(field, "run of octets");
    };
  }

  byte[] octets(String field, int length) {
    byte[] bytes = octets(field);
    if (bytes.length != length) {
      throw new QemuStreamException(
          -1, path(field) + " has " + bytes.length + " octets, expected " + length);
    }
    return bytes;
  }

  VmStruct struct(String field) {
    if (value(field) instanceof VmValue.Nested nested) {
      return nested.struct();
    }
    throw absent(field, "structure");
  }

  List<VmStruct> structs(String field) {
    if (value(field) instanceof VmValue.Structs structs) {
      return structs.elements();
    }
    throw absent(field, "array of structures");
  }

  List<VmStruct> structs(String field, int count) {
    List<VmStruct> elements = structs(field);
    if (elements.size() != count) {
      throw new QemuStreamException(
          -1, path(field) + " has " + elements.size() + " elements, expected " + count);
    }
    return elements;
  }

  Optional<VmStruct> subsection(String name) {
    return Optional.ofNullable(subsections.get(name));
  }

  void put(String field, VmValue value) {
    fields.put(field, value);
  }

  void put(String field, long value) {
    fields.put(field, new VmValue.Scalar(value));
  }

  /**
   * Gives a value that is there another content; elements that share their values with this one
   * keep theirs.
   */
  void set(String field, VmValue value) {
    if (!fields.containsKey(field)) {
      throw absent(field, "value");
    }
    fields = new LinkedHashMap<>(fields);
    fields.put(field, value);
    zero = Optional.empty();
  }

  void set(String field, long value) {
    set(field, new VmValue.Scalar(value));
  }

  /** Gives octets that are there, in either form of them, another content. */
  void setOctets(String field, byte[] octets) {
    if (value(field) instanceof VmValue.Scalars) {
      long[] values = new long[octets.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = octets[i] & 0xff;
      }
      set(field, new VmValue.Scalars(values));
    } else {
      octets(field);
      set(field, new VmValue.Octets(octets.clone()));
    }
  }

  /** Takes an optional part away, if it is there. */
  void drop(String subsection) {
    if (subsections.containsKey(subsection)) {
      subsections = new LinkedHashMap<>(subsections);
      subsections.remove(subsection);
    }
  }

  /** Adds an element to an array whose elements are described one by one. */
  void append(String field, VmValue value) {
    VmValue before = fields.get(field);
    fields.put(field, joined(field, before == null ? value : before, before == null, value));
  }

  void put(VmStruct subsection, String name) {
    if (subsections.isEmpty()) {
      subsections = new LinkedHashMap<>();
    }
    subsections.put(name, subsection);
  }

  private VmValue joined(String field, VmValue before, boolean first, VmValue value) {
    return switch (value) {
      case VmValue.Nested nested when first -> new VmValue.Structs(List.of(nested.struct()));
      case VmValue.Scalar scalar when first -> new VmValue.Scalars(new long[] {scalar.value()});
      case VmValue.Nested nested when before instanceof VmValue.Structs structs -> {
        var all = new ArrayList<>(structs.elements());
        all.add(nested.struct());
        yield new VmValue.Structs(all);
      }
      case VmValue.Scalar scalar when before instanceof VmValue.Scalars scalars -> {
        long[] all = Arrays.copyOf(scalars.values(), scalars.values().length + 1);
        all[all.length - 1] = scalar.value();
        yield new VmValue.Scalars(all);
      }
      default ->
          throw new QemuStreamException(-1, path(field) + " is an array of a kind not known");
    };
  }

  private QemuStreamException absent(String field, String kind) {
    return new QemuStreamException(
        -1,
        path(field)
            + (fields.containsKey(field) ? " is no " : " is missing, expected a ")
            + kind
            + ": this QEMU's device state differs from the supported versions'");
  }
}

package dev.here.formats.state;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Valid machine states in which every component of every record has a value at random, found by
 * reflection: a component that is added later is in them without anybody thinking of it.
 */
final class AnyMachine {
  private static final int ATTEMPTS = 100_000;

  /** Values, or lengths, of the components that are bounded otherwise than to "0 to 3 is fine". */
  private static final Map<String, int[]> BOUNDED =
      Map.ofEntries(
          Map.entry("MachineState.version", new int[] {MachineState.VERSION}),
          Map.entry("MachineState.vcpus", new int[] {1, 2}),
          Map.entry("MemoryMap.backingSizeBytes", new int[] {1 << 20}),
          Map.entry("MemoryMap.regions", new int[] {1}),
          Map.entry("MemoryRegion.gpa", new int[] {0, 4096}),
          Map.entry("MemoryRegion.sizeBytes", new int[] {4096, 8192}),
          Map.entry("MemoryRegion.backingOffset", new int[] {0, 4096, 16384}),
          Map.entry("VcpuState.xsave", new int[] {576, 832}),
          Map.entry("LapicState.registers", new int[] {1024}),
          Map.entry("IoApicState.redirections", new int[] {1, 24}),
          Map.entry("PitState.channels", new int[] {3}),
          Map.entry("RtcState.cmos", new int[] {128}),
          Map.entry("HpetState.timers", new int[] {1, 3}),
          Map.entry("AcpiPmState.pmTimerBits", new int[] {24, 32}),
          Map.entry("PciFunction.config", new int[] {256}),
          Map.entry("PciBar.sizeBytes", new int[] {1, 16, 1 << 20}),
          Map.entry("MsixState.entries", new int[] {1, 3}),
          Map.entry("VirtioNetState.mac", new int[] {6}),
          Map.entry("VirtioNetState.vlanFilter", new int[] {512}),
          Map.entry("DmaState.channels", new int[] {4}),
          Map.entry("IdeChannel.drives", new int[] {2}),
          Map.entry("IdeDrive.transfer", new int[] {0, 4}),
          Map.entry("IdeDrive.identity", new int[] {0, 512}),
          Map.entry("VgaState.palette", new int[] {768}));

  private final SplittableRandom random;

  private AnyMachine(long seed) {
    random = new SplittableRandom(seed);
  }

  static MachineState state(long seed) {
    return (MachineState) new AnyMachine(seed).record(MachineState.class);
  }

  private Object record(Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(components[i], components[i].getGenericType());
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      Optional<Object> made = made(type, values);
      if (made.isPresent()) {
        return made.get();
      }
      for (int i = 0; i < values.length; i++) {
        if (isScalar(components[i].getType())) {
          values[i] = value(components[i], components[i].getGenericType());
        }
      }
    }
    throw new AssertionError("no valid %s found: a component needs a bound".formatted(type));
  }

  private static boolean isScalar(Class<?> type) {
    return !type.isRecord() && type != List.class && type != Optional.class;
  }

  private static Optional<Object> made(Class<?> type, Object[] values) {
    try {
      Class<?>[] types =
          Arrays.stream(type.getRecordComponents())
              .map(RecordComponent::getType)
              .toArray(Class[]::new);
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      return Optional.of(constructor.newInstance(values));
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof InvalidMachineStateException) {
        return Optional.empty();
      }
      throw new AssertionError(e);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private Object value(RecordComponent of, Type type) {
    if (type instanceof ParameterizedType generic) {
      Type element = generic.getActualTypeArguments()[0];
      if (generic.getRawType() == Optional.class) {
        return random.nextBoolean() ? Optional.of(value(of, element)) : Optional.empty();
      }
      int size = bounded(of);
      List<Object> list = new ArrayList<>();
      while (list.size() < size) {
        list.add(plain(of, (Class<?>) element));
      }
      return list;
    }
    return plain(of, (Class<?>) type);
  }

  private Object plain(RecordComponent of, Class<?> type) {
    if (type == Bytes.class) {
      byte[] octets = new byte[bounded(of)];
      random.nextBytes(octets);
      return Bytes.of(octets);
    }
    if (type == int.class || type == Integer.class) {
      return isWide(of) ? random.nextInt() >> random.nextInt(32) : bounded(of);
    }
    if (type == long.class || type == Long.class) {
      return isWide(of) ? random.nextLong() >> random.nextInt(64) : (long) bounded(of);
    }
    if (type == boolean.class) {
      return random.nextBoolean();
    }
    if (type == String.class) {
      return random.nextInt(1000) + "\u00e4\"\\\n\u0001/\ud83d\ude00 x";
    }
    if (type.isEnum()) {
      Object[] constants = type.getEnumConstants();
      return constants[random.nextInt(constants.length)];
    }
    return record(type);
  }

  /** Few, so that a record of many bounded components is found. */
  private boolean isWide(RecordComponent of) {
    return !BOUNDED.containsKey(name(of)) && random.nextInt(4) == 0;
  }

  private int bounded(RecordComponent of) {
    int[] values = BOUNDED.getOrDefault(name(of), new int[] {0, 1, 2, 3});
    return values[random.nextInt(values.length)];
  }

  private static String name(RecordComponent of) {
    return of.getDeclaringRecord().getSimpleName() + "." + of.getName();
  }
}

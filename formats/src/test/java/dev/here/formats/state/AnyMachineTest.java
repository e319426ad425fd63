package dev.here.formats.state;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.MachineState;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** That a component which is left out, doubled or exchanged would be seen in these machines. */
class AnyMachineTest {
  /** As many as {@link StateByHandTest} compares. */
  private static final Map<Class<?>, List<Object>> SEEN = new HashMap<>();

  /** The layout's version, and a size that memory regions must lie within. */
  private static final Set<String> ONE_VALUE = Set.of("version", "backingSizeBytes");

  @BeforeAll
  static void look() {
    for (long seed = 0; seed < StateByHandTest.MACHINES; seed++) {
      look(AnyMachine.state(seed));
    }
  }

  private static void look(Object value) {
    if (value instanceof Optional<?> optional) {
      optional.ifPresent(AnyMachineTest::look);
    } else if (value instanceof List<?> list) {
      list.forEach(AnyMachineTest::look);
    } else if (value instanceof Record) {
      SEEN.computeIfAbsent(value.getClass(), _ -> new ArrayList<>()).add(value);
      for (RecordComponent component : value.getClass().getRecordComponents()) {
        look(read(component, value));
      }
    }
  }

  private static Object read(RecordComponent component, Object of) {
    try {
      return component.getAccessor().invoke(of);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void everyRecordOccurs() {
    Set<Class<?>> reachable = new HashSet<>();
    reach(MachineState.class, reachable);
    assertThat(SEEN.keySet()).isEqualTo(reachable).hasSizeGreaterThan(40);
  }

  private static void reach(Type type, Set<Class<?>> reached) {
    if (type instanceof ParameterizedType generic) {
      reach(generic.getActualTypeArguments()[0], reached);
    } else if (type instanceof Class<?> plain && plain.isRecord() && reached.add(plain)) {
      for (RecordComponent component : plain.getRecordComponents()) {
        reach(component.getGenericType(), reached);
      }
    }
  }

  @Test
  void everyOptionalIsThereAndIsNot() {
    everyComponent(component -> {
      if (component.getType() == Optional.class) {
        assertThat(values(component)).contains(Optional.empty()).hasSizeGreaterThan(1);
      }
    });
  }

  @Test
  void everyComponentChanges() {
    everyComponent(component -> {
      if (!ONE_VALUE.contains(component.getName())) {
        assertThat(values(component)).as(component.toString()).hasSizeGreaterThan(1);
      }
    });
  }

  @Test
  void componentsOfOneTypeDiffer() {
    everyComponent(one -> {
      for (RecordComponent other : one.getDeclaringRecord().getRecordComponents()) {
        if (!other.getName().equals(one.getName())
            && other.getGenericType().equals(one.getGenericType())) {
          assertThat(SEEN.get(one.getDeclaringRecord()))
              .as("%s, %s", one, other)
              .anyMatch(record -> !read(one, record).equals(read(other, record)));
        }
      }
    });
  }

  private static Set<Object> values(RecordComponent component) {
    Set<Object> values = new HashSet<>();
    for (Object record : SEEN.getOrDefault(component.getDeclaringRecord(), List.of())) {
      values.add(read(component, record));
    }
    return values;
  }

  private static void everyComponent(Consumer<RecordComponent> check) {
    for (Class<?> type : SEEN.keySet()) {
      for (RecordComponent component : type.getRecordComponents()) {
        check.accept(component);
      }
    }
  }
}

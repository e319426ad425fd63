package dev.here.formats.qemu;

import dev.here.machine.MemoryMap;
import dev.here.machine.PciFunction;
import dev.here.machine.VirtioDevice;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What a guest's translations keep from one checkpoint to the next. For one thread. */
final class KeptParts {
  private final KeptPart<MemoryMap> memory = new KeptPart<>();
  private final Map<String, KeptPart<PciFunction>> functions = new HashMap<>();
  private final Map<String, KeptPart<VirtioDevice>> devices = new HashMap<>();

  MemoryMap memory(QemuMemoryLayout layout, VmState state) {
    return memory.of(layout.sources(state), () -> layout.map(state));
  }

  PciFunction function(VmState.Section section, Function<VmStruct, PciFunction> translation) {
    return kept(functions, section, translation);
  }

  VirtioDevice device(VmState.Section section, Function<VmStruct, VirtioDevice> translation) {
    return kept(devices, section, translation);
  }

  private static <T> T kept(
      Map<String, KeptPart<T>> parts, VmState.Section section, Function<VmStruct, T> translation) {
    return parts
        .computeIfAbsent(section.name(), name -> new KeptPart<>())
        .of(List.of(section.content()), () -> translation.apply(section.content()));
  }
}

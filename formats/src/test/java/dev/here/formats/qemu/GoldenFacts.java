package dev.here.formats.qemu;

import dev.here.machine.CpuidLeaf;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.Platform;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Facts about the golden guests, from what their QEMU and the guest itself said. */
public final class GoldenFacts {
  /** What the clock registers of the guest kvm-2cpu show. */
  static final long SHOWN_SECONDS = 1_795_409_640L;

  /** Half a second later: the guests' own registers show whole seconds. */
  static final QemuCaptureInstant INSTANT =
      new QemuCaptureInstant(SHOWN_SECONDS * 1_000_000_000L + 500_000_000L, 5_000_000_000L);

  private GoldenFacts() {}

  static QemuGuestFacts of(String name, int vcpus) {
    List<CpuidLeaf> cpuid = cpuid();
    var cpus = new ArrayList<QemuGuestFacts.Vcpu>();
    for (int i = 0; i < vcpus; i++) {
      cpus.add(new QemuGuestFacts.Vcpu(i, cpuid));
    }
    return new QemuGuestFacts(
        new Platform("qemu-7.2.22", "pc-i440fx-7.2", name),
        true,
        cpus,
        0,
        QemuMemoryTree.parse(Golden.text(name + ".mtree")),
        functions(name));
  }

  private static List<CpuidLeaf> cpuid() {
    var leaves = new ArrayList<CpuidLeaf>();
    for (String line : Golden.text("kvm-2cpu.cpuid").lines().toList()) {
      String[] words = line.split(" ");
      if (words[0].equals("0")) {
        int[] values = new int[6];
        for (int i = 0; i < 6; i++) {
          values[i] = Integer.parseUnsignedInt(words[i + 1], 16);
        }
        leaves.add(
            new CpuidLeaf(
                values[0], values[1], values[1] != 0, values[2], values[3], values[4], values[5]));
      }
    }
    return leaves;
  }

  private static List<QemuGuestFacts.Function> functions(String name) {
    JsonNode answer = JsonMapper.builder().build().readTree(Golden.text(name + ".pci"));
    return functions(answer.path("return"));
  }

  /** The functions in what QEMU returned to {@code query-pci}. */
  public static List<QemuGuestFacts.Function> functions(JsonNode buses) {
    var functions = new ArrayList<QemuGuestFacts.Function>();
    for (JsonNode device : buses.path(0).path("devices")) {
      var bars = new ArrayList<PciBar>();
      for (JsonNode region : device.path("regions")) {
        bars.add(
            new PciBar(
                region.path("bar").asInt(),
                region.path("type").asString().equals("io"),
                region.path("mem_type_64").asBoolean(false),
                region.path("prefetch").asBoolean(false),
                region.path("size").asLong()));
      }
      var address = new PciAddress(0, device.path("slot").asInt(), device.path("function").asInt());
      functions.add(new QemuGuestFacts.Function(address, bars, -1L));
    }
    return functions;
  }
}

package dev.here.formats.qemu;

import dev.here.machine.CpuidLeaf;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.Platform;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A guest that an ordinary {@code migrate "exec:cat > FILE"} saved whole, brought in with what its
 * QEMU's monitor and the guest's CPUID instruction said in texts beside it.
 *
 * @param stream the file without its pages
 * @param memory the backing: all RAM blocks in stream order
 */
public record QemuMigrationFile(MigrationStream stream, MemorySegment memory) {
  private static final Set<Integer> SUBLEAVES_MATTER =
      Set.of(4, 7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1d, 0x1f, 0x8000001d);

  /**
   * Reads a file.
   *
   * @param owner of the memory
   * @param maxMemoryBytes the largest guest that is taken
   * @throws QemuStreamException if it is not such a file, or the guest is larger
   */
  public static QemuMigrationFile read(Path file, Arena owner, long maxMemoryBytes)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var sink = new Backing(owner, maxMemoryBytes);
      MigrationStream stream = new MigrationStreamReader(channel).read(sink);
      return new QemuMigrationFile(stream, sink.memory);
    }
  }

  /**
   * Translates the guest. A virtio device counts as offering what its driver has accepted, since
   * none of the texts says more.
   *
   * @param vmName as the user knows it
   * @param memoryTree the text of {@code info mtree -f}
   * @param pciJson the answer of {@code query-pci}
   * @param cpuid lines of vCPU index, leaf, subleaf, EAX, EBX, ECX, EDX, in hexadecimal
   * @param instant when it was saved
   * @throws QemuStreamException if something can't be carried or a text is not what it should be
   */
  public QemuMachineTranslator.Translation translate(
      String vmName, String memoryTree, String pciJson, String cpuid, QemuCaptureInstant instant) {
    VmStateSchema schema =
        stream
            .schema()
            .orElseThrow(() -> new QemuStreamException(-1, "the file describes no device state"));
    VmState state = VmStateReader.read(schema, stream.deviceState());
    QemuMemoryTree tree = QemuMemoryTree.parse(memoryTree);
    List<QemuGuestFacts.Vcpu> vcpus = vcpus(cpuid, state);
    var accepted = new HashMap<PciAddress, Long>();
    for (VmState.Section section : state.sections()) {
      if (section.content().vmsdName().startsWith("virtio-")) {
        accepted.put(
            QemuPciTranslation.address(section.name()).orElseThrow(),
            QemuVirtioTranslation.negotiated(section.content().struct("virtio")));
      }
    }
    var facts =
        new QemuGuestFacts(
            new Platform("qemu", stream.machineType().orElse("pc"), vmName),
            tree.hasMemory("kvm-apic-msi"),
            vcpus,
            0,
            tree,
            functions(pciJson, accepted));
    QemuMemoryLayout layout = QemuMemoryLayout.of(stream.ramBlocks(), tree);
    return new QemuMachineTranslator(facts, layout).translate(state, instant);
  }

  private static List<QemuGuestFacts.Function> functions(
      String pciJson, Map<PciAddress, Long> features) {
    var functions = new ArrayList<QemuGuestFacts.Function>();
    for (JsonNode bus : answer(pciJson)) {
      for (JsonNode device : bus.path("devices")) {
        var address =
            new PciAddress(
                bus.path("bus").asInt(0),
                device.path("slot").asInt(),
                device.path("function").asInt());
        functions.add(
            new QemuGuestFacts.Function(address, bars(device), features.getOrDefault(address, 0L)));
      }
    }
    return functions;
  }

  private static JsonNode answer(String json) {
    try {
      JsonNode root = JsonMapper.builder().build().readTree(json);
      return root.has("return") ? root.path("return") : root;
    } catch (JacksonException e) {
      throw new QemuStreamException(
          -1, "the answer of query-pci is not JSON: " + e.getOriginalMessage());
    }
  }

  private static List<PciBar> bars(JsonNode device) {
    var bars = new ArrayList<PciBar>();
    for (JsonNode region : device.path("regions")) {
      bars.add(
          new PciBar(
              region.path("bar").asInt(),
              region.path("type").asString("").equals("io"),
              region.path("mem_type_64").asBoolean(false),
              region.path("prefetch").asBoolean(false),
              region.path("size").asLong()));
    }
    return bars;
  }

  private static List<QemuGuestFacts.Vcpu> vcpus(String cpuid, VmState state) {
    var leaves = new ArrayList<List<CpuidLeaf>>();
    for (String line : cpuid.lines().filter(text -> !text.isBlank()).toList()) {
      String[] words = line.trim().split("\\s+");
      try {
        int vcpu = Integer.parseInt(words[0], 16);
        while (leaves.size() <= vcpu && vcpu < 256) {
          leaves.add(new ArrayList<>());
        }
        int[] values = new int[6];
        for (int i = 0; i < 6; i++) {
          values[i] = Integer.parseUnsignedInt(words[i + 1], 16);
        }
        leaves
            .get(vcpu)
            .add(
                new CpuidLeaf(
                    values[0],
                    values[1],
                    SUBLEAVES_MATTER.contains(values[0]),
                    values[2],
                    values[3],
                    values[4],
                    values[5]));
      } catch (NumberFormatException | IndexOutOfBoundsException e) {
        throw new QemuStreamException(
            -1, "a line of CPUID is '" + RamPages.printable(line) + "', not seven numbers");
      }
    }
    var vcpus = new ArrayList<QemuGuestFacts.Vcpu>();
    for (int i = 0; state.section("cpu", i).isPresent(); i++) {
      if (i >= leaves.size()) {
        throw new QemuStreamException(-1, "there is no CPUID of vCPU " + i);
      }
      vcpus.add(new QemuGuestFacts.Vcpu(apicId(leaves.get(i)), leaves.get(i)));
    }
    return vcpus;
  }

  /** The initial APIC id: leaf 1, EBX, the highest octet. */
  private static int apicId(List<CpuidLeaf> leaves) {
    return leaves.stream()
        .filter(leaf -> leaf.leaf() == 1)
        .findFirst()
        .map(leaf -> leaf.ebx() >>> 24)
        .orElseThrow(() -> new QemuStreamException(-1, "the CPUID has no leaf 1"));
  }

  /** Copies pages to where the backing has them. */
  private static final class Backing implements RamSink {
    private final Arena owner;
    private final long maxBytes;
    private MemorySegment memory = MemorySegment.NULL;
    private long[] offsets = new long[0];

    Backing(Arena owner, long maxBytes) {
      this.owner = owner;
      this.maxBytes = maxBytes;
    }

    @Override
    public void blocks(List<RamBlock> blocks) {
      RamBlock last = blocks.getLast();
      long bytes = last.backingOffset() + last.sizeBytes();
      if (bytes > maxBytes) {
        throw new QemuStreamException(
            -1, "the guest's memory of " + bytes + " octets is more than " + maxBytes);
      }
      memory = owner.allocate(bytes, PAGE_BYTES);
      offsets = blocks.stream().mapToLong(RamBlock::backingOffset).toArray();
    }

    @Override
    public void page(int blockIndex, long offsetInBlock, MemorySegment source, long sourceOffset) {
      MemorySegment.copy(
          source, sourceOffset, memory, offsets[blockIndex] + offsetInBlock, PAGE_BYTES);
    }

    @Override
    public void zeroPage(int blockIndex, long offsetInBlock) {
      memory.asSlice(offsets[blockIndex] + offsetInBlock, PAGE_BYTES).fill((byte) 0);
    }
  }
}

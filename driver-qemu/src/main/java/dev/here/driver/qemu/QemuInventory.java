package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * What a running QEMU and its guest are made of, taken by queries only: nothing is touched.
 *
 * @param version QEMU's version
 * @param accelerator {@code kvm} or {@code tcg}
 * @param machineType for example {@code pc-i440fx-7.2}
 * @param vmName the name given by {@code -name}, else the QMP socket's file name
 * @param status QEMU's run state, for example {@code running}
 * @param process QEMU's process
 * @param vcpus the vCPUs by index
 * @param devices the device tree
 * @param nics network cards with a back end, by rising PCI address
 * @param network the back ends
 * @param disks drives with a medium
 * @param ramBlocks RAM blocks in stream order
 * @param memoryTree the text of {@code info mtree -f}
 * @param pluggedMemoryDevices count of memory devices (DIMMs, NVDIMMs)
 * @param migrationBlockers QEMU's own reasons why it cannot migrate
 * @param migrationStatus state of the last migration, {@code none} when there was none
 * @param capabilities migration capabilities that are on
 * @param coloKnown this QEMU knows COLO
 * @param confidential a confidential-computing object guards the guest's memory
 * @param vhostInUse the process has a kernel vhost back end open
 */
public record QemuInventory(
    QemuVersion version,
    String accelerator,
    String machineType,
    String vmName,
    String status,
    QemuProcess process,
    List<QemuVcpu> vcpus,
    List<QtreeDevice> devices,
    List<QemuNic> nics,
    NetworkText network,
    List<QemuDisk> disks,
    List<QemuRamBlock> ramBlocks,
    String memoryTree,
    int pluggedMemoryDevices,
    List<String> migrationBlockers,
    String migrationStatus,
    List<String> capabilities,
    boolean coloKnown,
    boolean confidential,
    boolean vhostInUse) {
  private static final String MACHINE_SUFFIX = "-machine";

  public QemuInventory {
    vcpus = List.copyOf(vcpus);
    devices = List.copyOf(devices);
    nics = List.copyOf(nics);
    disks = List.copyOf(disks);
    ramBlocks = List.copyOf(ramBlocks);
    migrationBlockers = List.copyOf(migrationBlockers);
    capabilities = List.copyOf(capabilities);
  }

  /**
   * Asks QEMU; each query may take {@code timeout}.
   *
   * @throws HypervisorException when QEMU does not answer or its answer cannot be understood
   */
  public static QemuInventory take(QmpClient qmp, Duration timeout) {
    var process = QemuProcess.find(qmp, timeout);
    List<QtreeDevice> devices = QtreeText.parse(qmp.human("info qtree", timeout));
    NetworkText network = NetworkText.parse(qmp.human("info network", timeout));
    JsonNode migration = qmp.execute("query-migrate", timeout);
    Map<String, Boolean> capabilities = capabilities(qmp, timeout);
    return new QemuInventory(
        QemuVersion.of(qmp.execute("query-version", timeout)),
        qmp.execute("query-kvm", timeout).path("enabled").asBoolean(false) ? "kvm" : "tcg",
        machineType(qmp, timeout),
        vmName(qmp, timeout),
        qmp.execute("query-status", timeout).path("status").asString(""),
        process,
        vcpus(qmp.execute("query-cpus-fast", timeout)),
        devices,
        nics(devices, network, process),
        network,
        disks(qmp.execute("query-block", timeout), devices),
        RamblockText.parse(qmp.human("info ramblock", timeout)),
        qmp.human("info mtree -f", timeout),
        qmp.execute("query-memory-devices", timeout).size(),
        texts(migration.path("blocked-reasons")),
        migration.path("status").asString("none"),
        capabilities.entrySet().stream()
            .filter(Map.Entry::getValue)
            .map(Map.Entry::getKey)
            .toList(),
        capabilities.containsKey("x-colo"),
        confidential(qmp, timeout),
        process.hasOpen("/dev/vhost-net"));
  }

  private static Map<String, Boolean> capabilities(QmpClient qmp, Duration timeout) {
    var found = new HashMap<String, Boolean>();
    for (JsonNode capability : qmp.execute("query-migrate-capabilities", timeout)) {
      found.put(
          capability.path("capability").asString(""), capability.path("state").asBoolean(false));
    }
    return found;
  }

  private static String machineType(QmpClient qmp, Duration timeout) {
    String type = machineProperty(qmp, "type", timeout).orElse("unknown");
    return type.endsWith(MACHINE_SUFFIX)
        ? type.substring(0, type.length() - MACHINE_SUFFIX.length())
        : type;
  }

  private static boolean confidential(QmpClient qmp, Duration timeout) {
    return machineProperty(qmp, "confidential-guest-support", timeout)
            .filter(v -> !v.isEmpty())
            .isPresent()
        || machineProperty(qmp, "memory-encryption", timeout).filter(v -> !v.isEmpty()).isPresent();
  }

  private static Optional<String> machineProperty(QmpClient qmp, String name, Duration timeout) {
    try {
      return Optional.of(
          qmp.execute("qom-get", Map.of("path", "/machine", "property", name), timeout)
              .asString(""));
    } catch (QmpErrorException e) {
      return Optional.empty();
    }
  }

  private static String vmName(QmpClient qmp, Duration timeout) {
    String name = qmp.execute("query-name", timeout).path("name").asString("");
    return name.isEmpty() ? String.valueOf(qmp.socket().getFileName()) : name;
  }

  private static List<QemuVcpu> vcpus(JsonNode answer) {
    var vcpus = new ArrayList<QemuVcpu>();
    for (JsonNode cpu : answer) {
      vcpus.add(
          new QemuVcpu(
              cpu.path("cpu-index").asInt(0),
              cpu.path("thread-id").asLong(0),
              cpu.path("qom-path").asString("")));
    }
    return vcpus;
  }

  private static List<QemuNic> nics(
      List<QtreeDevice> devices, NetworkText network, QemuProcess process) {
    var ports = new TapPorts(network, process);
    var nics = new TreeMap<String, QemuNic>();
    for (QtreeDevice device : devices) {
      String netdev = device.property("netdev").orElse("");
      if (!netdev.isEmpty() && device.property("mac").isPresent()) {
        var backend = network.backend(netdev);
        boolean inner = device.type().endsWith("-device") && device.parent() >= 0;
        QtreeDevice card = inner ? devices.get(device.parent()) : device;
        // By rising PCI address, as the machine state has its devices.
        nics.put(
            card.property("addr").orElse("") + netdev,
            new QemuNic(
                card.type(),
                device.property("mac").orElse(""),
                netdev,
                backend.map(NetworkText.Backend::kind).orElse("unknown"),
                ports.of(netdev).orElse(""),
                backend.map(NetworkText.Backend::queues).orElse(1)));
      }
    }
    return List.copyOf(nics.values());
  }

  private static List<QemuDisk> disks(JsonNode answer, List<QtreeDevice> devices) {
    var disks = new ArrayList<QemuDisk>();
    for (JsonNode block : answer) {
      JsonNode inserted = block.path("inserted");
      if (inserted.isMissingNode()) {
        continue;
      }
      String drive = block.path("device").asString("");
      String node = inserted.path("node-name").asString("");
      Optional<QtreeDevice> shown =
          devices.stream()
              .filter(d -> d.property("drive").filter(v -> isNamed(v, drive, node)).isPresent())
              .findFirst();
      JsonNode image = inserted.path("image");
      disks.add(
          new QemuDisk(
              drive.isEmpty() ? node : drive,
              shown.map(QtreeDevice::type).orElse(""),
              image.path("filename").asString(""),
              image.path("format").asString(""),
              image.path("virtual-size").asLong(0),
              !inserted.path("ro").asBoolean(false),
              shown.filter(d -> d.isOn("share-rw")).isPresent(),
              block.path("removable").asBoolean(false)));
    }
    return disks;
  }

  private static boolean isNamed(String value, String drive, String node) {
    return !value.isEmpty() && (value.equals(drive) || value.equals(node));
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    for (JsonNode text : array) {
      texts.add(text.asString(""));
    }
    return texts;
  }
}

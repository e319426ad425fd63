package dev.here.driver.qemu;

import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.formats.qemu.QemuMemoryTree;
import dev.here.formats.qemu.QemuStreamException;
import dev.here.hypervisor.HypervisorException;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** Collects what a guest's device state does not say: by queries, and by measuring CPUID. */
public final class QemuFacts {
  private static final Pattern PORT_VALUE = Pattern.compile("portl\\[0x[0-9a-f]+] = 0x([0-9a-f]+)");
  private static final long VERSION_1 = 1L << 32;
  private static final long RING_RESET = 1L << 40;
  private static final long NO_DEVICE = 0xffffffffL;

  private final QmpClient qmp;
  private final QemuInventory inventory;
  private final Duration timeout;

  private QemuFacts(QmpClient qmp, QemuInventory inventory, Duration timeout) {
    this.qmp = qmp;
    this.inventory = inventory;
    this.timeout = timeout;
  }

  /**
   * Collects. Afterwards a second thread prepares this process for translating ({@link
   * TranslationWarmUp}), while the standby is reached.
   *
   * @param folder a folder of ours for the CPUID probe's files
   * @param probeTimeout how long the CPUID probe may take
   * @throws HypervisorException when something cannot be found out or does not fit together
   */
  public static QemuGuestFacts collect(
      QmpClient qmp,
      QemuInventory inventory,
      Path folder,
      Duration timeout,
      Duration probeTimeout) {
    try {
      var facts = new QemuFacts(qmp, inventory, timeout);
      var collected =
          new QemuGuestFacts(
              new Platform(inventory.version().name(), inventory.machineType(), inventory.vmName()),
              inventory.accelerator().equals("kvm"),
              facts.vcpus(CpuidProbe.measure(inventory, folder, probeTimeout)),
              facts.tscKhz(),
              QemuMemoryTree.parse(inventory.memoryTree()),
              facts.functions());
      TranslationWarmUp.begin();
      return collected;
    } catch (QemuStreamException | InvalidMachineStateException e) {
      throw new HypervisorException(
          "what QEMU says of its guest cannot be understood: " + e.getMessage(), e);
    }
  }

  /** The PCI functions of a guest that have base address registers. */
  public static List<QemuGuestFacts.Function> functions(
      QmpClient qmp, QemuInventory inventory, Duration timeout) {
    return new QemuFacts(qmp, inventory, timeout).functions();
  }

  private List<QemuGuestFacts.Vcpu> vcpus(CpuidProbe.Measured measured) {
    var vcpus = new ArrayList<QemuGuestFacts.Vcpu>();
    for (QemuVcpu vcpu : inventory.vcpus()) {
      int apicId = property(vcpu, "apic-id").asInt(-1);
      CpuidAnswers answers =
          measured.vcpus().stream()
              .filter(a -> a.apicId() == apicId)
              .findFirst()
              .orElseThrow(() ->
                  new HypervisorException(
                      "the CPUID probe saw no vCPU with APIC id %d, the guest's vCPU %d has it"
                          .formatted(apicId, vcpu.index())));
      FeatureWords.of(qmp, vcpu.qomPath(), timeout).requireSame(measured.words().get(vcpu.index()));
      vcpus.add(new QemuGuestFacts.Vcpu(apicId, answers.leaves()));
    }
    return vcpus;
  }

  /** Under KVM QEMU knows the rate that it asked KVM for; under TCG it says 0. */
  private long tscKhz() {
    return property(inventory.vcpus().getFirst(), "tsc-frequency").asLong(0) / 1000;
  }

  private JsonNode property(QemuVcpu vcpu, String name) {
    return qmp.execute("qom-get", Map.of("path", vcpu.qomPath(), "property", name), timeout);
  }

  private List<QemuGuestFacts.Function> functions() {
    var functions = new ArrayList<QemuGuestFacts.Function>();
    for (JsonNode bus : qmp.execute("query-pci", timeout)) {
      for (JsonNode device : bus.path("devices")) {
        var address =
            new PciAddress(
                device.path("bus").asInt(0),
                device.path("slot").asInt(0),
                device.path("function").asInt(0));
        List<PciBar> bars = bars(device.path("regions"));
        if (!bars.isEmpty()) {
          functions.add(
              new QemuGuestFacts.Function(
                  address, bars, offeredFeatures(address, device.path("regions"))));
        }
      }
    }
    return functions;
  }

  private static List<PciBar> bars(JsonNode regions) {
    var bars = new ArrayList<PciBar>();
    for (JsonNode region : regions) {
      bars.add(
          new PciBar(
              region.path("bar").asInt(0),
              region.path("type").asString("").equals("io"),
              region.path("mem_type_64").asBoolean(false),
              region.path("prefetch").asBoolean(false),
              region.path("size").asLong(0)));
    }
    return bars;
  }

  /**
   * What a virtio device offers. The low half is what its legacy register for it reads (virtio 1.2,
   * 4.1.4.8), a read without effect; the high half follows from its properties.
   */
  private long offeredFeatures(PciAddress address, JsonNode regions) {
    Optional<Integer> card = virtioCard(address);
    if (card.isEmpty()) {
      return 0;
    }
    QtreeDevice transport = inventory.devices().get(card.get());
    long low = legacyFeatures(transport, regions);
    long high = transport.isOn("disable-modern") ? 0 : VERSION_1;
    boolean resets =
        inventory.devices().stream()
            .anyMatch(d -> d.parent() == card.get() && d.isOn("queue_reset"));
    return low | high | (resets ? RING_RESET : 0);
  }

  private Optional<Integer> virtioCard(PciAddress address) {
    String printed = "%02x.%x".formatted(address.device(), address.function());
    for (int i = 0; i < inventory.devices().size(); i++) {
      QtreeDevice device = inventory.devices().get(i);
      if (device.type().startsWith("virtio-")
          && device.property("addr").filter(printed::equals).isPresent()) {
        return Optional.of(i);
      }
    }
    return Optional.empty();
  }

  private long legacyFeatures(QtreeDevice transport, JsonNode regions) {
    for (JsonNode region : regions) {
      long port = region.path("address").asLong(-1);
      if (region.path("bar").asInt(-1) == 0
          && region.path("type").asString("").equals("io")
          && port > 0
          && port < 0x10000) {
        Matcher value = PORT_VALUE.matcher(qmp.human("i/w 0x%x".formatted(port), timeout));
        if (value.find() && Long.parseLong(value.group(1), 16) != NO_DEVICE) {
          return Long.parseLong(value.group(1), 16);
        }
      }
    }
    throw new HypervisorException(
        ("what %s offers cannot be read, its legacy registers are not there: set"
                + " disable-legacy=off, and let the guest's firmware set the device up")
            .formatted(transport.label()));
  }
}

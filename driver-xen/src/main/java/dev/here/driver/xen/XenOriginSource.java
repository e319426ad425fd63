package dev.here.driver.xen;

import dev.here.formats.xen.LibxcRecord;
import dev.here.formats.xen.LibxlRecord;
import dev.here.formats.xen.XenOrigin;
import dev.here.machine.Bytes;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Collects what a domain leaves behind when its guest goes elsewhere: what the toolstack's own save
 * sends beside pages, context and device model's state (Xen 4.17,
 * tools/libs/guest/xg_sr_save_x86_hvm.c and tools/libs/light/libxl_dom_save.c).
 *
 * @param domain the origin but for the device model's state
 */
record XenOriginSource(XenOrigin domain) {
  /** HVM parameters that are saved, those that are not zero (xen/hvm/params.h). */
  static final Map<String, Integer> SAVED = saved();

  private static Map<String, Integer> saved() {
    Map<String, Integer> saved = new LinkedHashMap<>();
    saved.put("STORE_PFN", 1);
    saved.put("IOREQ_PFN", 5);
    saved.put("BUFIOREQ_PFN", 6);
    saved.put("PAGING_RING_PFN", 27);
    saved.put("MONITOR_RING_PFN", 28);
    saved.put("SHARING_RING_PFN", 29);
    saved.put("VM86_TSS_SIZED", 37);
    saved.put("CONSOLE_PFN", 17);
    saved.put("ACPI_IOPORTS_LOCATION", 19);
    saved.put("VIRIDIAN", 9);
    saved.put("IDENT_PT", 12);
    saved.put("VM_GENERATION_ID_ADDR", 34);
    saved.put("IOREQ_SERVER_PFN", 32);
    saved.put("NR_IOREQ_SERVER_PAGES", 33);
    saved.put("X87_FIP_WIDTH", 36);
    saved.put("MCA_CAP", 38);
    return saved;
  }

  /**
   * Asks for everything, and keeps the configuration for the day when the guest comes back.
   *
   * @throws dev.here.hypervisor.HypervisorException when the toolstack does not answer
   */
  static XenOriginSource of(XenControl control, XenDomain domain, XenCpuPolicy policy) {
    List<LibxcRecord.Param> params = new ArrayList<>();
    for (int index : SAVED.values()) {
      long value = control.parameter(domain.id(), index);
      if (value != 0) {
        params.add(new LibxcRecord.Param(index, value));
      }
    }
    Bytes configuration = new Toolstack().configuration(domain);
    KnownDomains.HERE.remember(domain.name(), configuration);
    return new XenOriginSource(
        new XenOrigin(
            configuration,
            new LibxcRecord.CpuidPolicy(policy.leaves()),
            new LibxcRecord.MsrPolicy(policy.msrs()),
            XenFacts.tsc(control, domain),
            new LibxcRecord.HvmParams(0, params),
            physicalMap(domain),
            Bytes.EMPTY));
  }

  /** Where the device model has put memory of its own, which it finds again by this. */
  private static Optional<LibxlRecord.EmulatorXenstoreData> physicalMap(XenDomain domain) {
    String model = "/local/domain/0/device-model/%d/".formatted(domain.id());
    var data = new ByteArrayOutputStream();
    try (XenStore store = new XenStore()) {
      for (String place : store.children(model + "physmap")) {
        for (String key : store.children(model + "physmap/" + place)) {
          String path = "physmap/%s/%s".formatted(place, key);
          store
              .read(model + path)
              .ifPresent(value -> {
                data.writeBytes((path + '\0' + value + '\0').getBytes(StandardCharsets.UTF_8));
              });
        }
      }
    }
    return data.size() == 0
        ? Optional.empty()
        : Optional.of(
            new LibxlRecord.EmulatorXenstoreData(
                LibxlRecord.QEMU_UPSTREAM, 0, Bytes.of(data.toByteArray())));
  }

  /** The whole origin. */
  XenOrigin with(byte[] devices) {
    return new XenOrigin(
        domain.configuration(),
        domain.cpuid(),
        domain.msrs(),
        domain.tsc(),
        domain.params(),
        domain.xenstore(),
        Bytes.of(devices));
  }
}

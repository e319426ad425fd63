package dev.here.driver.xen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.CHeaders;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Layouts and constants against the headers of Xen's libraries. */
class XenHeadersTest {
  private static final CHeaders HEADERS =
      CHeaders.ofPackage(
          "libxen-dev",
          "stdint.h",
          "stdbool.h",
          "xenctrl.h",
          "xenforeignmemory.h",
          "xen/hvm/ioreq.h",
          "xen/hvm/params.h");

  @BeforeAll
  static void needsHeaders() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
  }

  private static void check(Map<String, Long> ours) {
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  private static Map<String, Long> layout(String type, StructLayout layout) {
    Map<String, Long> ours = new LinkedHashMap<>();
    ours.put("sizeof(%s)".formatted(type), layout.byteSize());
    for (MemoryLayout member : layout.memberLayouts()) {
      member
          .name()
          .ifPresent(name ->
              ours.put(
                  "offsetof(%s, %s)".formatted(type, name),
                  layout.byteOffset(PathElement.groupElement(name))));
    }
    return ours;
  }

  @Test
  void domains() {
    check(layout("xc_domaininfo_t", DomainInfo.LAYOUT));
  }

  @Test
  void buffersOfHypercalls() {
    Map<String, Long> ours = layout("xc_hypercall_buffer_t", DirtyLog.HYPERCALL_BUFFER);
    ours.putAll(layout("xc_shadow_op_stats_t", DirtyLog.STATS));
    ours.put("XEN_DOMCTL_SHADOW_OP_OFF", (long) DirtyLog.OP_OFF);
    ours.put("XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY", (long) DirtyLog.OP_ENABLE_LOGDIRTY);
    ours.put("XEN_DOMCTL_SHADOW_OP_CLEAN", (long) DirtyLog.OP_CLEAN);
    check(ours);
  }

  @Test
  void theHost() {
    check(
        Map.of(
            "sizeof(xc_physinfo_t)",
            XenControl.PHYSINFO_BYTES,
            "offsetof(xc_physinfo_t, cpu_khz)",
            XenControl.PHYSINFO_CPU_KHZ,
            "offsetof(xc_physinfo_t, free_pages)",
            XenControl.PHYSINFO_FREE_PAGES,
            "XENVER_version",
            0L));
  }

  @Test
  void requestsToTheDeviceModel() {
    Map<String, Long> ours = new LinkedHashMap<>();
    ours.put("sizeof(struct ioreq)", IoRequests.REQUEST_BYTES);
    ours.put("offsetof(struct buffered_iopage, read_pointer)", IoRequests.BUFFERED_READ);
    ours.put("offsetof(struct buffered_iopage, write_pointer)", IoRequests.BUFFERED_WRITE);
    // The state is a bit field, in the octet after the 16-bit vp_eport and 16-bit _pad0.
    ours.put("offsetof(struct ioreq, _pad0) + 2", IoRequests.REQUEST_STATE);
    ours.put("offsetof(struct ioreq, data)", IoRequests.REQUEST_DATA);
    ours.put("offsetof(struct ioreq, count)", IoRequests.REQUEST_COUNT);
    ours.put("offsetof(struct ioreq, size)", IoRequests.REQUEST_SIZE);
    ours.put("offsetof(struct ioreq, type)", IoRequests.REQUEST_TYPE);
    ours.put("IOREQ_TYPE_PIO", (long) IoRequests.TYPE_PORT);
    ours.put("STATE_IOREQ_NONE", (long) IoRequests.STATE_NONE);
    ours.put("STATE_IORESP_READY", (long) IoRequests.STATE_ANSWERED);
    ours.put("XENMEM_resource_ioreq_server", (long) IoRequests.RESOURCE_IOREQ_SERVER);
    ours.put("XENMEM_resource_ioreq_server_frame_bufioreq", IoRequests.FRAME_BUFFERED);
    ours.put("XENMEM_resource_ioreq_server_frame_ioreq(0)", 1L);
    check(ours);
  }

  @Test
  void parametersOfDomains() {
    check(
        Map.of(
            "HVM_PARAM_CALLBACK_IRQ",
            (long) XenFacts.CALLBACK_IRQ,
            "HVM_PARAM_VIRIDIAN",
            (long) XenFacts.VIRIDIAN,
            "HVM_PARAM_HPET_ENABLED",
            (long) XenFacts.HPET_ENABLED));
  }

  @Test
  void policies() {
    check(
        Map.of(
            "sizeof(xen_cpuid_leaf_t)",
            (long) XenCpuPolicy.LEAF_BYTES,
            "sizeof(xen_msr_entry_t)",
            (long) XenCpuPolicy.MSR_BYTES,
            "XEN_DOMCTL_PFINFO_XTAB",
            XenControl.NO_MEMORY));
  }

  @Test
  void savedParametersOfDomains() {
    Map<String, Long> ours = new LinkedHashMap<>();
    XenOriginSource.SAVED.forEach((name, number) -> ours.put("HVM_PARAM_" + name, (long) number));
    check(ours);
  }
}

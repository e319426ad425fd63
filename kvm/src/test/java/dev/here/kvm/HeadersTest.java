package dev.here.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.CHeaders;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Numbers and layouts against linux/kvm.h. */
class HeadersTest {
  private static final CHeaders HEADERS = CHeaders.of("sys/ioctl.h", "linux/kvm.h");

  @BeforeAll
  static void needsCompiler() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
  }

  @Test
  void ioctlAndExitNumbers() throws Exception {
    Map<String, Long> ours = new LinkedHashMap<>();
    for (Class<?> type : List.of(KvmIoctl.class, KvmExit.class)) {
      for (Field field : type.getDeclaredFields()) {
        if (field.getName().startsWith("KVM_")) {
          ours.put(field.getName(), ((Number) field.get(null)).longValue());
        }
      }
    }
    assertThat(ours).hasSizeGreaterThan(70);
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  @Test
  void capabilityNumbers() {
    Map<String, Long> ours = new LinkedHashMap<>();
    for (KvmCapability capability : KvmCapability.values()) {
      ours.put(capability.name(), (long) capability.number());
    }
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  @Test
  void structures() {
    Map<String, Long> ours = new LinkedHashMap<>();
    for (StructLayout layout :
        List.of(
            CpuidLayout.HEADER,
            CpuidLayout.ENTRY,
            MsrsLayout.HEADER,
            MsrsLayout.ENTRY,
            RegsLayout.LAYOUT,
            SregsLayout.SEGMENT,
            SregsLayout.DTABLE,
            SregsLayout.SREGS,
            SregsLayout.SREGS2,
            VcpuLayouts.XSAVE,
            VcpuLayouts.XCR,
            VcpuLayouts.XCRS,
            VcpuLayouts.DEBUGREGS,
            VcpuLayouts.EVENTS,
            VmLayouts.MEMORY_REGION,
            VmLayouts.DIRTY_LOG,
            VmLayouts.CLEAR_DIRTY_LOG,
            VmLayouts.DIRTY_GFN,
            VmLayouts.ENABLE_CAP,
            VmLayouts.ROUTING_HEADER,
            VmLayouts.ROUTING_ENTRY,
            VmLayouts.IRQFD,
            VmLayouts.IOEVENTFD,
            VmLayouts.MSI,
            VmLayouts.CLOCK,
            VmLayouts.DEVICE_ATTR)) {
      String type = layout.name().orElseThrow();
      ours.put("sizeof(" + type + ")", layout.byteSize());
      members(ours, type, "", layout, 0);
    }
    ours.put("offsetof(struct kvm_irq_routing_entry, u.msi.address_lo)", 16L);
    ours.put("offsetof(struct kvm_irq_routing_entry, u.msi.address_hi)", 20L);
    ours.put("offsetof(struct kvm_irq_routing_entry, u.msi.data)", 24L);
    ours.put("offsetof(struct kvm_irq_routing_entry, u.irqchip.pin)", 20L);
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  private static void members(
      Map<String, Long> ours, String type, String prefix, GroupLayout layout, long base) {
    long at = base;
    for (MemoryLayout member : layout.memberLayouts()) {
      String path = prefix + member.name().orElseThrow();
      ours.put("offsetof(%s, %s)".formatted(type, path), at);
      if (member instanceof GroupLayout group) {
        members(ours, type, path + ".", group, at);
      }
      at += member.byteSize();
    }
  }

  @Test
  void runStructureAndConstants() {
    Map<String, Long> ours = new LinkedHashMap<>();
    KvmRun.offsets()
        .forEach((path, at) -> ours.put("offsetof(struct kvm_run, %s)".formatted(path), at));
    ours.put("KVM_DIRTY_LOG_PAGE_OFFSET", DirtyRing.PAGE_OFFSET);
    ours.put("KVM_DIRTY_GFN_F_DIRTY", (long) DirtyRing.DIRTY);
    ours.put("KVM_DIRTY_GFN_F_RESET", (long) DirtyRing.RESET);
    ours.put("KVM_MEM_LOG_DIRTY_PAGES", (long) KvmVm.LOG_DIRTY_PAGES);
    ours.put("KVM_MEM_READONLY", (long) KvmVm.READ_ONLY);
    ours.put("KVM_APIC_REG_SIZE", (long) VcpuLayouts.LAPIC_BYTES);
    ours.put("KVM_CLOCK_REALTIME", (long) KvmClock.REALTIME);
    ours.put("KVM_CLOCK_HOST_TSC", (long) KvmClock.HOST_TSC);
    ours.put("KVM_CLOCK_TSC_STABLE", (long) KvmClock.TSC_STABLE);
    ours.put("KVM_VCPUEVENT_VALID_NMI_PENDING", (long) VcpuEvents.VALID_NMI_PENDING);
    ours.put("KVM_VCPUEVENT_VALID_SIPI_VECTOR", (long) VcpuEvents.VALID_SIPI_VECTOR);
    ours.put("KVM_VCPUEVENT_VALID_SHADOW", (long) VcpuEvents.VALID_SHADOW);
    ours.put("KVM_VCPUEVENT_VALID_SMM", (long) VcpuEvents.VALID_SMM);
    ours.put("KVM_VCPUEVENT_VALID_PAYLOAD", (long) VcpuEvents.VALID_PAYLOAD);
    ours.put("KVM_VCPUEVENT_VALID_TRIPLE_FAULT", (long) VcpuEvents.VALID_TRIPLE_FAULT);
    for (MpState state : MpState.values()) {
      ours.put("KVM_MP_STATE_" + state.name(), (long) state.number());
    }
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }
}

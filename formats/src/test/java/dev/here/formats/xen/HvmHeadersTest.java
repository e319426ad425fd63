package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.CHeaders;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Codes, sizes and offsets against Xen's public headers. */
class HvmHeadersTest {
  private static final CHeaders HEADERS =
      CHeaders.ofPackage("libxen-dev", "stdint.h", "xen/xen.h", "xen/hvm/save.h");

  /** Members that stand for bit fields, which have no offset in C, or for a padding. */
  private static final Set<String> NAMELESS = Set.of("init_and_priority", "modes");

  @BeforeAll
  static void needsHeaders() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
  }

  @Test
  void structures() {
    Map<String, Long> ours = new LinkedHashMap<>();
    for (HvmRecordType type : HvmRecordType.values()) {
      if (type != HvmRecordType.END && type != HvmRecordType.CPU_MSR) {
        add(ours, HvmContext.layout(type), "struct " + HvmContext.layout(type).structure());
      }
    }
    add(ours, HvmPit.CHANNEL, "struct hvm_hw_pit_channel");
    ours.put("offsetof(struct hvm_msr, msr)", (long) HvmMsrs.LAYOUT.sizeBytes());
    ours.put("sizeof(((struct hvm_msr *)0)->msr[0])", (long) HvmMsrs.ENTRY.sizeBytes());
    ours.put("sizeof(struct hvm_save_descriptor)", (long) HvmContext.DESCRIPTOR_BYTES);
    ours.put("offsetof(struct hvm_save_descriptor, instance)", 2L);
    ours.put("offsetof(struct hvm_save_descriptor, length)", 4L);
    assertThat(ours).hasSizeGreaterThan(150);
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  private static void add(Map<String, Long> ours, HvmLayout layout, String type) {
    ours.put("sizeof(" + type + ")", (long) layout.sizeBytes());
    for (HvmLayout.Member member : layout.members().values()) {
      if (!NAMELESS.contains(member.name())) {
        String place = "offsetof(" + type + ", " + member.name() + ")";
        ours.put(place, (long) member.offset());
        ours.put("sizeof(((" + type + " *)0)->" + member.name() + ")", (long) member.sizeBytes());
      }
    }
  }

  @Test
  void typeCodes() {
    Map<String, Long> ours = new LinkedHashMap<>();
    for (HvmRecordType type : HvmRecordType.values()) {
      boolean open = type == HvmRecordType.CPU_XSAVE || type == HvmRecordType.CPU_MSR;
      ours.put(open ? type + "_CODE" : "HVM_SAVE_CODE(" + type + ")", (long) type.code());
    }
    ours.put("HVM_SAVE_CODE_MAX", (long) HvmRecordType.values().length - 1);
    ours.put("HVM_FILE_MAGIC", HvmContext.MAGIC);
    ours.put("HVM_FILE_VERSION", HvmContext.VERSION);
    ours.put("XEN_X86_FPU_INITIALISED", HvmCpu.FPU_INITIALISED);
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }
}

package dev.here.formats.xen;

import java.util.Optional;

/** Types of libxc's records (docs/specs/libxc-migration-stream of Xen, revision 3). */
public enum LibxcRecordType {
  END,
  PAGE_DATA,
  X86_PV_INFO,
  X86_PV_P2M_FRAMES,
  X86_PV_VCPU_BASIC,
  X86_PV_VCPU_EXTENDED,
  X86_PV_VCPU_XSAVE,
  SHARED_INFO,
  X86_TSC_INFO,
  HVM_CONTEXT,
  HVM_PARAMS,
  TOOLSTACK,
  X86_PV_VCPU_MSRS,
  VERIFY,
  CHECKPOINT,
  CHECKPOINT_DIRTY_PFN_LIST,
  STATIC_DATA_END,
  X86_CPUID_POLICY,
  X86_MSR_POLICY;

  /** Set in the types that a reader need not know. */
  static final long OPTIONAL = 0x80000000L;

  /** The type on the wire. */
  public long code() {
    return ordinal();
  }

  /** A record of this type has no body. */
  boolean isMark() {
    return this == END || this == VERIFY || this == CHECKPOINT || this == STATIC_DATA_END;
  }

  /** The type of a code. */
  static Optional<LibxcRecordType> of(long code) {
    return code < values().length ? Optional.of(values()[(int) code]) : Optional.empty();
  }
}

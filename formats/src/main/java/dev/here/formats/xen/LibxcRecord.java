package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.util.List;

/** A record of libxc's stream. */
public sealed interface LibxcRecord extends XenStreamItem {
  /** Its type on the wire. */
  long type();

  /**
   * Pages of the guest's memory.
   *
   * @param reserved kept
   * @param entries one a page, at least one
   * @param pages the contents of those that have some, one after the other
   */
  record PageData(long reserved, List<PageEntry> entries, byte[] pages) implements LibxcRecord {
    /** Octets of a page. */
    public static final int PAGE_BYTES = 4096;

    /** Most pages of a record that is read or written; Xen's tools write up to 1024. */
    public static final int MAX_PAGES = 1024;

    public PageData {
      entries = List.copyOf(entries);
      long full = entries.stream().filter(PageEntry::hasContents).count();
      if (entries.isEmpty() || entries.size() > MAX_PAGES || pages.length != full * PAGE_BYTES) {
        throw new XenFormatException(
            -1,
            "a PAGE_DATA record has %d pages (1 to %d) with %d octets for %d of them"
                .formatted(entries.size(), MAX_PAGES, pages.length, full));
      }
    }

    @Override
    public long type() {
      return LibxcRecordType.PAGE_DATA.code();
    }
  }

  /**
   * A page's number with its type.
   *
   * @param bits 63-60 type, 51-0 the number; 59-52 are kept
   */
  record PageEntry(long bits) {
    private static final long GFN_MASK = (1L << 52) - 1;

    /** An ordinary page. */
    public static PageEntry normal(long gfn) {
      return new PageEntry(gfn & GFN_MASK);
    }

    /** The guest frame number. */
    public long gfn() {
      return bits & GFN_MASK;
    }

    /** 0 ordinary, 1 to 4 and 9 to 12 page tables, 13 broken, 14 allocated only, 15 invalid. */
    public int pageType() {
      return (int) (bits >>> 60);
    }

    /** Whether contents are sent. */
    public boolean hasContents() {
      return pageType() < 13;
    }

    /** Whether the type is one that there is. */
    boolean isKnown() {
      return pageType() < 5 || pageType() > 8;
    }
  }

  /**
   * The guest's time-stamp counter.
   *
   * @param mode how Xen gives it: 0 default, 1 always emulated, 2 never
   * @param khz rate
   * @param elapsedNanos guest time
   * @param incarnation restores so far
   * @param reserved kept
   */
  record TscInfo(long mode, long khz, long elapsedNanos, long incarnation, long reserved)
      implements LibxcRecord {
    @Override
    public long type() {
      return LibxcRecordType.X86_TSC_INFO.code();
    }
  }

  /**
   * What Xen keeps of the guest.
   *
   * @param octets an HVM context
   */
  record HvmContextRecord(Bytes octets) implements LibxcRecord {
    @Override
    public long type() {
      return LibxcRecordType.HVM_CONTEXT.code();
    }

    /**
     * The context.
     *
     * @throws XenFormatException if it is not one of a supported Xen
     */
    public HvmContext decode() {
      return HvmContext.decode(octets.toArray());
    }
  }

  /**
   * HVM parameters.
   *
   * @param reserved kept
   * @param params in order
   */
  record HvmParams(long reserved, List<Param> params) implements LibxcRecord {
    public HvmParams {
      params = List.copyOf(params);
    }

    @Override
    public long type() {
      return LibxcRecordType.HVM_PARAMS.code();
    }
  }

  /**
   * One parameter (xen/include/public/hvm/params.h).
   *
   * @param index which
   * @param value 64 bits
   */
  record Param(long index, long value) {}

  /**
   * What CPUID gives the guest, apart from what depends on the vCPU and its state.
   *
   * @param leaves in order
   */
  record CpuidPolicy(List<XenCpuidLeaf> leaves) implements LibxcRecord {
    public CpuidPolicy {
      leaves = List.copyOf(leaves);
    }

    @Override
    public long type() {
      return LibxcRecordType.X86_CPUID_POLICY.code();
    }
  }

  /**
   * Model-specific registers that say what there is.
   *
   * @param msrs in order
   */
  record MsrPolicy(List<MsrEntry> msrs) implements LibxcRecord {
    public MsrPolicy {
      msrs = List.copyOf(msrs);
    }

    @Override
    public long type() {
      return LibxcRecordType.X86_MSR_POLICY.code();
    }
  }

  /**
   * One of them.
   *
   * @param index as in ECX of RDMSR
   * @param flags 0
   * @param value 64 bits
   */
  record MsrEntry(int index, long flags, long value) {}

  /**
   * A record without contents: a mark.
   *
   * @param kind END, VERIFY, CHECKPOINT or STATIC_DATA_END
   */
  record Mark(LibxcRecordType kind) implements LibxcRecord {
    @Override
    public long type() {
      return kind.code();
    }
  }

  /**
   * A record that only PV guests or COLO's way back have.
   *
   * @param kind which
   * @param body not taken apart
   */
  record Opaque(LibxcRecordType kind, Bytes body) implements LibxcRecord {
    @Override
    public long type() {
      return kind.code();
    }
  }

  /**
   * A record that a reader may leave aside.
   *
   * @param type bit 31 is set
   * @param body not understood
   */
  record Optional(long type, Bytes body) implements LibxcRecord {}
}

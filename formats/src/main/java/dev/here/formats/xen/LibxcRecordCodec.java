package dev.here.formats.xen;

import java.io.IOException;
import java.util.ArrayList;

/** Bodies of libxc's records. */
final class LibxcRecordCodec {
  private static final int MAX_PARAMS = 256;
  private static final int MAX_MSRS = 512;
  private static final int MSR_BYTES = 16;

  /** Records that are kept whole in memory, other than pages. */
  private static final int MAX_OPAQUE_BYTES = 16 << 20;

  private LibxcRecordCodec() {}

  static LibxcRecord decode(XenRecordBody body) throws IOException {
    LibxcRecordType type = LibxcRecordType.of(body.type()).orElse(null);
    if (type == null) {
      return optional(body);
    }
    return switch (type) {
      case PAGE_DATA -> pageData(body);
      case X86_TSC_INFO ->
          new LibxcRecord.TscInfo(body.u32(), body.u32(), body.u64(), body.u32(), body.u32());
      case HVM_CONTEXT -> {
        limit(body, HvmContext.MAX_BYTES);
        yield new LibxcRecord.HvmContextRecord(body.rest());
      }
      case HVM_PARAMS -> hvmParams(body);
      case X86_CPUID_POLICY -> {
        limit(body, XenCpuidLeaf.MAX_LEAVES * XenCpuidLeaf.BYTES);
        yield new LibxcRecord.CpuidPolicy(XenCpuidLeaf.decode(body.rest()));
      }
      case X86_MSR_POLICY -> msrPolicy(body);
      case END, VERIFY, CHECKPOINT, STATIC_DATA_END -> new LibxcRecord.Mark(type);
      default -> {
        limit(body, MAX_OPAQUE_BYTES);
        yield new LibxcRecord.Opaque(type, body.rest());
      }
    };
  }

  private static LibxcRecord optional(XenRecordBody body) throws IOException {
    if ((body.type() & LibxcRecordType.OPTIONAL) == 0) {
      throw body.refused("is mandatory and not known: it can't be carried");
    }
    limit(body, MAX_OPAQUE_BYTES);
    return new LibxcRecord.Optional(body.type(), body.rest());
  }

  private static void limit(XenRecordBody body, int mostBytes) {
    if (body.length() > mostBytes) {
      throw body.refused("has %d octets, at most %d are read".formatted(body.length(), mostBytes));
    }
  }

  private static LibxcRecord.PageData pageData(XenRecordBody body) throws IOException {
    long count = body.u32();
    long reserved = body.u32();
    if (count < 1 || count > LibxcRecord.PageData.MAX_PAGES) {
      throw body.refused(
          "has %d pages, must have 1 to %d".formatted(count, LibxcRecord.PageData.MAX_PAGES));
    }
    var entries = new ArrayList<LibxcRecord.PageEntry>();
    int full = 0;
    for (int i = 0; i < count; i++) {
      var entry = new LibxcRecord.PageEntry(body.u64());
      if (!entry.isKnown()) {
        throw body.refused(
            "has page %xh of type %d, not known".formatted(entry.gfn(), entry.pageType()));
      }
      full += entry.hasContents() ? 1 : 0;
      entries.add(entry);
    }
    if (body.left() != full * LibxcRecord.PageData.PAGE_BYTES) {
      throw body.refused("has %d octets for %d pages".formatted(body.left(), full));
    }
    return new LibxcRecord.PageData(reserved, entries, body.octets(body.left()));
  }

  private static LibxcRecord.HvmParams hvmParams(XenRecordBody body) throws IOException {
    long count = body.u32();
    long reserved = body.u32();
    if (count > MAX_PARAMS) {
      throw body.refused("has %d parameters, at most %d are read".formatted(count, MAX_PARAMS));
    }
    var params = new ArrayList<LibxcRecord.Param>();
    for (int i = 0; i < count; i++) {
      params.add(new LibxcRecord.Param(body.u64(), body.u64()));
    }
    return new LibxcRecord.HvmParams(reserved, params);
  }

  private static LibxcRecord.MsrPolicy msrPolicy(XenRecordBody body) throws IOException {
    limit(body, MAX_MSRS * MSR_BYTES);
    var msrs = new ArrayList<LibxcRecord.MsrEntry>();
    while (body.left() > 0) {
      msrs.add(new LibxcRecord.MsrEntry((int) body.u32(), body.u32(), body.u64()));
    }
    return new LibxcRecord.MsrPolicy(msrs);
  }

  static byte[] encode(LibxcRecord record) {
    var out = new XenStreamOutput();
    switch (record) {
      case LibxcRecord.PageData data -> {
        out.u32(data.entries().size()).u32(data.reserved());
        data.entries().forEach(entry -> out.u64(entry.bits()));
        out.octets(data.pages());
      }
      case LibxcRecord.TscInfo tsc ->
          out.u32(tsc.mode())
              .u32(tsc.khz())
              .u64(tsc.elapsedNanos())
              .u32(tsc.incarnation())
              .u32(tsc.reserved());
      case LibxcRecord.HvmContextRecord context -> out.octets(context.octets().toArray());
      case LibxcRecord.HvmParams params -> {
        out.u32(params.params().size()).u32(params.reserved());
        params.params().forEach(param -> out.u64(param.index()).u64(param.value()));
      }
      case LibxcRecord.CpuidPolicy policy ->
          out.octets(XenCpuidLeaf.encode(policy.leaves()).toArray());
      case LibxcRecord.MsrPolicy policy ->
          policy.msrs().forEach(msr -> out.u32(msr.index()).u32(msr.flags()).u64(msr.value()));
      case LibxcRecord.Opaque other -> out.octets(other.body().toArray());
      case LibxcRecord.Optional other -> out.octets(other.body().toArray());
      case LibxcRecord.Mark mark -> {}
    }
    return out.toArray();
  }
}

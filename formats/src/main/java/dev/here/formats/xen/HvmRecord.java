package dev.here.formats.xen;

/**
 * One save record of an HVM context: some hardware's state as Xen keeps it. Every record keeps all
 * octets of its body, paddings and reserved members too, so that it is written as it was read.
 *
 * <p>Components carry the header's names in Java's spelling; numbers of up to 32 bits are unsigned.
 * Described in docs/specs/xen-hvm-context.md.
 */
public sealed interface HvmRecord
    permits HvmHeader,
        HvmCpu,
        HvmPic,
        HvmIoApic,
        HvmLapic,
        HvmLapicRegisters,
        HvmPciIrqs,
        HvmIsaIrqs,
        HvmPciLinks,
        HvmPit,
        HvmRtc,
        HvmHpet,
        HvmPmTimer,
        HvmMtrr,
        HvmViridianDomain,
        HvmViridianVcpu,
        HvmXsave,
        HvmMsrs,
        HvmVmce,
        HvmTscAdjust {
  /** What it describes. */
  HvmRecordType type();

  /** Which one of its type: a vCPU's number, or a device's. */
  int instance();

  /** The body as Xen reads it. */
  byte[] body();
}

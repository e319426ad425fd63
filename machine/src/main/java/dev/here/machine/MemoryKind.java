package dev.here.machine;

/** What a guest-physical region is to the guest. */
public enum MemoryKind {
  /** Read and written by the guest. */
  RAM,
  /** Read by the guest; its writes are dropped. */
  ROM,
  /** RAM of a display adapter behind a BAR: written by the guest, shown to nobody. */
  FRAMEBUFFER
}

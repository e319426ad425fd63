package dev.here.vmm;

/** A device was told, by the guest, to use an address where there is no such memory. */
public final class GuestAddressException extends RuntimeException {
  public GuestAddressException(long gpa, long sizeBytes, boolean writing) {
    super(
        "guest-physical 0x%x, %d octets: no %s memory there"
            .formatted(gpa, sizeBytes, writing ? "writable" : "readable"));
  }
}

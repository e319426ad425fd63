package dev.here.vmm;

/** Where a serial port's octets go. Called with the platform's lock held; must not block. */
@FunctionalInterface
public interface SerialSink {
  void sent(int octet);
}

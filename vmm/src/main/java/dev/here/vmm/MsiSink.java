package dev.here.vmm;

/**
 * Takes message-signalled interrupts (Intel SDM volume 3, section 11.11). May be called from any
 * thread.
 */
@FunctionalInterface
public interface MsiSink {
  void signal(long address, int data);
}

package dev.here.vmm;

import dev.here.kvm.GsiRouting;
import dev.here.kvm.KvmVm;

/**
 * The way of interrupts into KVM's LAPICs. Everything goes as a message. KVM's routing table holds
 * only the level-triggered entries of the I/O APIC, under their pins' numbers, because KVM reports
 * the end of an interrupt (KVM_EXIT_IOAPIC_EOI) for exactly the vectors that stand there as level.
 */
final class KvmInterrupts implements MsiSink, IoApic.RedirectionListener {
  private static final int LEVEL = 1 << 15;

  private final KvmVm vm;
  private final long[] addresses;
  private final int[] data;
  private final boolean[] routed;
  private boolean batching;
  private boolean stale;

  /**
   * @param pins inputs of the I/O APIC
   */
  KvmInterrupts(KvmVm vm, int pins) {
    this.vm = vm;
    this.addresses = new long[pins];
    this.data = new int[pins];
    this.routed = new boolean[pins];
  }

  @Override
  public void signal(long address, int value) {
    vm.signalMsi(address, value);
  }

  /** Follows {@code ioApic}: takes all its entries in one table, then each that changes. */
  void follow(IoApic ioApic) {
    batching = true;
    ioApic.listen(this);
    batching = false;
    stale = true;
    publish();
  }

  @Override
  public void changed(int pin, long address, int value, boolean masked) {
    boolean level = (value & LEVEL) != 0;
    boolean same = routed[pin] == level && addresses[pin] == address && data[pin] == value;
    if (!same) {
      stale |= level || routed[pin];
      addresses[pin] = address;
      data[pin] = value;
      routed[pin] = level;
      if (!batching) {
        publish();
      }
    }
  }

  private void publish() {
    if (stale) {
      stale = false;
      GsiRouting routing = new GsiRouting();
      for (int pin = 0; pin < routed.length; pin++) {
        if (routed[pin]) {
          routing.msi(pin, addresses[pin], data[pin]);
        }
      }
      vm.routing(routing);
    }
  }
}

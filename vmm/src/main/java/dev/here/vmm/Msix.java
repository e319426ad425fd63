package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.MsixEntry;
import dev.here.machine.MsixState;
import java.util.ArrayList;
import java.util.List;

/**
 * MSI-X of one function (PCI 3.0, section 6.8.2): table and pending bits, as one device for the BAR
 * that the capability names. A vector that is masked when it is signalled becomes pending and is
 * sent when its mask goes. Guarded by the platform's lock.
 */
public final class Msix implements MmioDevice {
  private static final int ENABLE = 0x8000;
  private static final int FUNCTION_MASK = 0x4000;
  private static final int ENTRY_BYTES = 16;

  private final PciConfig config;
  private final MsiSink sink;
  private final int capabilityOffset;
  private final int tableOffset;
  private final int pendingOffset;
  private final int[] registers;
  private final byte[] pending;

  /**
   * The capability stands in {@code config} already, at {@code state.capabilityOffset()}; its
   * message control register becomes writable.
   */
  Msix(MsixState state, PciConfig config, MsiSink sink) {
    this.config = config;
    this.sink = sink;
    this.capabilityOffset = state.capabilityOffset();
    this.tableOffset = config.u32(capabilityOffset + 4) & ~7;
    this.pendingOffset = config.u32(capabilityOffset + 8) & ~7;
    this.registers = new int[state.entries().size() * 4];
    for (int vector = 0; vector < state.entries().size(); vector++) {
      MsixEntry entry = state.entries().get(vector);
      registers[vector * 4] = (int) entry.address();
      registers[vector * 4 + 1] = (int) (entry.address() >>> 32);
      registers[vector * 4 + 2] = entry.data();
      registers[vector * 4 + 3] = entry.masked() ? 1 : 0;
    }
    this.pending = new byte[(state.entries().size() + 63) / 64 * 8];
    byte[] saved = state.pending().toArray();
    System.arraycopy(saved, 0, pending, 0, Math.min(saved.length, pending.length));
    config.writable(capabilityOffset + 2, 2, ENABLE | FUNCTION_MASK);
    config.onWrite(capabilityOffset + 2, 2, this::sendUnmasked);
  }

  /** Which BAR holds the table. */
  public int bar() {
    return config.u32(capabilityOffset + 4) & 7;
  }

  /** Number of vectors. */
  public int vectors() {
    return registers.length / 4;
  }

  /** Whether the driver has turned MSI-X on; INTx is silent then. */
  public boolean enabled() {
    return (control() & ENABLE) != 0;
  }

  /** Signals {@code vector}: sends its message, or keeps it pending; none does nothing. */
  public void signal(int vector) {
    if (!enabled() || vector < 0 || vector >= vectors()) {
      return;
    }
    if (masked(vector)) {
      pending[vector / 8] |= (byte) (1 << vector % 8);
    } else {
      send(vector);
    }
  }

  /** Whether {@code offset} of the BAR belongs to the table or to the pending bits. */
  public boolean covers(long offset) {
    return offset >= tableOffset && offset < tableOffset + vectors() * (long) ENTRY_BYTES
        || offset >= pendingOffset && offset < pendingOffset + pending.length;
  }

  public MsixState state() {
    List<MsixEntry> entries = new ArrayList<>();
    for (int vector = 0; vector < vectors(); vector++) {
      entries.add(
          new MsixEntry(
              messageAddress(vector),
              registers[vector * 4 + 2],
              (registers[vector * 4 + 3] & 1) != 0));
    }
    return new MsixState(capabilityOffset, entries, Bytes.of(pending));
  }

  @Override
  public long read(long offset, int sizeBytes) {
    if (sizeBytes == 8) {
      return read(offset, 4) | read(offset + 4, 4) << 32;
    }
    long table = offset - tableOffset;
    if (table >= 0 && table < registers.length * 4L) {
      return Integer.toUnsignedLong(registers[(int) (table / 4)]) >>> table % 4 * 8;
    }
    long value = 0;
    for (int at = 0; at < sizeBytes; at++) {
      long index = offset + at - pendingOffset;
      if (index >= 0 && index < pending.length) {
        value |= (pending[(int) index] & 0xffL) << at * 8;
      }
    }
    return value;
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    if (sizeBytes == 8) {
      write(offset, 4, value & 0xffff_ffffL);
      write(offset + 4, 4, value >>> 32);
      return;
    }
    long table = offset - tableOffset;
    if (sizeBytes != 4 || table < 0 || table >= registers.length * 4L) {
      return;
    }
    int register = (int) (table / 4);
    registers[register] = register % 4 == 3 ? (int) value & 1 : (int) value;
    sendIfUnmasked(register / 4);
  }

  private void sendUnmasked() {
    for (int vector = 0; vector < vectors(); vector++) {
      sendIfUnmasked(vector);
    }
  }

  private void sendIfUnmasked(int vector) {
    int bit = 1 << vector % 8;
    if ((pending[vector / 8] & bit) != 0 && enabled() && !masked(vector)) {
      pending[vector / 8] &= (byte) ~bit;
      send(vector);
    }
  }

  private void send(int vector) {
    sink.signal(messageAddress(vector), registers[vector * 4 + 2]);
  }

  private boolean masked(int vector) {
    return (control() & FUNCTION_MASK) != 0 || (registers[vector * 4 + 3] & 1) != 0;
  }

  private long messageAddress(int vector) {
    return Integer.toUnsignedLong(registers[vector * 4]) | (long) registers[vector * 4 + 1] << 32;
  }

  private int control() {
    return config.u16(capabilityOffset + 2);
  }
}

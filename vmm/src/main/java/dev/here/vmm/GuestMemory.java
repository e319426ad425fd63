package dev.here.vmm;

import dev.here.machine.DirtySet;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Guest memory as devices reach it, by guest-physical address. Writes are noted in a dirty set of
 * their own, since KVM logs only what vCPUs write. Guarded by the platform's lock, except {@link
 * #mapped} segments, which device threads may use for the length of one request.
 */
public final class GuestMemory {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment backing;
  private final DirtySet deviceWrites;
  private MemoryMap map;
  private MemoryRegion last;

  /**
   * @param backing the backing file, mapped; {@code map.backingSizeBytes()} long
   * @param deviceWrites gets the page index of every page that a device writes
   */
  public GuestMemory(MemorySegment backing, MemoryMap map, DirtySet deviceWrites) {
    this.backing = backing;
    this.map = map;
    this.deviceWrites = deviceWrites;
    this.last = map.regions().getFirst();
  }

  public MemoryMap map() {
    return map;
  }

  /** The whole backing. */
  public MemorySegment backing() {
    return backing;
  }

  /** Pages written by devices since the set was last cleared. */
  public DirtySet deviceWrites() {
    return deviceWrites;
  }

  /** Regions have moved; the backing is the same. */
  public void remap(MemoryMap newMap) {
    map = newMap;
    last = newMap.regions().getFirst();
  }

  /** Whether {@code sizeBytes} from {@code gpa} on lie in one region. */
  public boolean contains(long gpa, long sizeBytes) {
    return sizeBytes >= 0 && find(gpa) && sizeBytes <= last.endGpa() - gpa;
  }

  /**
   * The memory itself, for reading, or for writing with {@code writing}, which counts all its pages
   * as dirty.
   *
   * @throws GuestAddressException where the run leaves its region or is not writable
   */
  public MemorySegment mapped(long gpa, long sizeBytes, boolean writing) {
    if (!contains(gpa, sizeBytes) || writing && last.kind() == MemoryKind.ROM) {
      throw new GuestAddressException(gpa, sizeBytes, writing);
    }
    long offset = last.backingOffset() + (gpa - last.gpa());
    if (writing && sizeBytes > 0) {
      int first = (int) (offset / MemoryRegion.PAGE_BYTES);
      int end = (int) ((offset + sizeBytes - 1) / MemoryRegion.PAGE_BYTES);
      deviceWrites.addRange(first, end - first + 1);
    }
    return backing.asSlice(offset, sizeBytes);
  }

  public int u8(long gpa) {
    return backing.get(ValueLayout.JAVA_BYTE, offset(gpa, 1, false)) & 0xff;
  }

  public int u16(long gpa) {
    return backing.get(U16, offset(gpa, 2, false)) & 0xffff;
  }

  public int u32(long gpa) {
    return backing.get(U32, offset(gpa, 4, false));
  }

  public long u64(long gpa) {
    return backing.get(U64, offset(gpa, 8, false));
  }

  public void putU8(long gpa, int value) {
    backing.set(ValueLayout.JAVA_BYTE, offset(gpa, 1, true), (byte) value);
  }

  public void putU16(long gpa, int value) {
    backing.set(U16, offset(gpa, 2, true), (short) value);
  }

  public void putU32(long gpa, int value) {
    backing.set(U32, offset(gpa, 4, true), value);
  }

  public void putU64(long gpa, long value) {
    backing.set(U64, offset(gpa, 8, true), value);
  }

  private long offset(long gpa, int sizeBytes, boolean writing) {
    if (!contains(gpa, sizeBytes) || writing && last.kind() == MemoryKind.ROM) {
      throw new GuestAddressException(gpa, sizeBytes, writing);
    }
    long offset = last.backingOffset() + (gpa - last.gpa());
    if (writing) {
      deviceWrites.add((int) (offset / MemoryRegion.PAGE_BYTES));
      deviceWrites.add((int) ((offset + sizeBytes - 1) / MemoryRegion.PAGE_BYTES));
    }
    return offset;
  }

  private boolean find(long gpa) {
    if (gpa >= last.gpa() && gpa < last.endGpa()) {
      return true;
    }
    for (int at = 0; at < map.regions().size(); at++) {
      MemoryRegion region = map.regions().get(at);
      if (gpa >= region.gpa() && gpa < region.endGpa()) {
        last = region;
        return true;
      }
    }
    return false;
  }
}

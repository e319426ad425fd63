package dev.here.formats.xen;

import dev.here.formats.qemu.QemuDeviceModelPatch;
import dev.here.formats.qemu.QemuStreamException;
import dev.here.formats.qemu.VirtioRings;
import dev.here.machine.Bytes;
import dev.here.machine.LostField;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PlatformOrigin;
import dev.here.machine.TranslationReport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A guest that came from Xen as {@code xl restore} loads it: a stream of libxl
 * (docs/specs/xen-streams.md, "A machine state as a stream").
 */
public final class XenDomainImage {
  private final MachineState state;
  private final XenOrigin origin;
  private final HvmContextTranslator.Translation context;
  private final byte[] devices;

  private XenDomainImage(
      MachineState state,
      XenOrigin origin,
      HvmContextTranslator.Translation context,
      byte[] devices) {
    this.state = state;
    this.origin = origin;
    this.context = context;
    this.devices = devices;
  }

  /**
   * Translates a machine state.
   *
   * @throws XenFormatException if the guest did not come from Xen 4.17, or Xen cannot carry its
   *     state; the text names why
   */
  public static XenDomainImage of(MachineState state) {
    PlatformOrigin packed =
        state
            .platform()
            .origin()
            .orElseThrow(() ->
                new XenFormatException(
                    -1,
                    ("guest %s was started by %s: Xen can take back only a guest that it has started"
                            + " itself (%s), since it was told which platform it runs on")
                        .formatted(
                            state.platform().vmName(),
                            state.platform().hypervisor(),
                            XenOrigin.FORM)));
    XenOrigin origin = XenOrigin.unpack(packed);
    return new XenDomainImage(
        state,
        origin,
        HvmContextTranslator.translate(state),
        devices(origin, state, Optional.empty()));
  }

  private static byte[] devices(
      XenOrigin origin, MachineState state, Optional<VirtioRings> memory) {
    try {
      return QemuDeviceModelPatch.apply(origin.devices().toArray(), state, memory);
    } catch (QemuStreamException e) {
      throw new XenFormatException(
          -1, "the device model can't take the guest's devices: " + e.getMessage());
    }
  }

  /**
   * What the guest loses by it.
   *
   * @throws XenFormatException if the device model's state cannot be read back
   */
  public TranslationReport report() {
    try {
      List<LostField> lost = new ArrayList<>(context.report().lost());
      lost.addAll(QemuDeviceModelPatch.differences(devices, state));
      return new TranslationReport(lost);
    } catch (QemuStreamException e) {
      throw new XenFormatException(
          -1, "the device model's state can't be read back: " + e.getMessage());
    }
  }

  /** The domain's configuration, JSON. */
  public Bytes configuration() {
    return origin.configuration();
  }

  /**
   * Writes the whole stream.
   *
   * @param backing contents of the guest's memory, by backing offset, as the guest shall find it;
   *     {@link VirtioRings} writes into it
   * @throws IOException if the channel fails
   */
  public void write(WritableByteChannel channel, MemorySegment backing) throws IOException {
    byte[] model = devices(origin, state, Optional.of(new VirtioRings(state.memory(), backing)));
    var writer = new XenStreamWriter(channel);
    for (XenStreamItem item : origin.head()) {
      writer.write(item);
    }
    for (MemoryRegion region : state.memory().regions()) {
      writer.pages(
          region.gpa() / MemoryRegion.PAGE_BYTES,
          backing.asSlice(region.backingOffset(), region.sizeBytes()));
    }
    Optional<Bytes> records = Optional.of(Bytes.of(context.context().encode()));
    for (XenStreamItem item : origin.tail(records, Bytes.of(model))) {
      writer.write(item);
    }
  }
}

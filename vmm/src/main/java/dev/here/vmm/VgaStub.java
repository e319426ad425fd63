package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.VgaState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A standard VGA without a display (IBM VGA Technical Reference; QEMU docs/specs/standard-vga.rst):
 * registers read back as written, its memory can be written and read, nothing is drawn. Guarded by
 * the platform's lock.
 */
final class VgaStub implements OctetDevice {
  private static final Logger LOG = LoggerFactory.getLogger(VgaStub.class);
  private static final int[] SEQUENCER_BITS = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff};
  private static final int[] GRAPHICS_BITS = {
    0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0
  };
  private static final int ATTRIBUTES = 21;
  private static final int CRTC_REGISTERS = 256;
  private static final int CRTC_OVERFLOW = 7;
  private static final int CRTC_VERTICAL_END = 0x11;
  private static final int CRTC_PROTECTED = 0x80;
  private static final int COLOUR_ADDRESSES = 0x01;
  private static final int RETRACE_AND_BLANK = 0x09;
  private static final int READING = 3;

  private final GuestMemory memory;
  private final MachineDevices.MemoryMover mover;
  private final byte[] sequencer;
  private final byte[] graphics;
  private final byte[] attribute;
  private final byte[] crtc;
  private final byte[] palette;
  private final VgaMemory planes;
  private final BochsDisplay bochs;
  private final long framebufferBytes;
  private final long framebufferBackingOffset;
  private int miscOutput;
  private int featureControl;
  private int sequencerIndex;
  private int graphicsIndex;
  private int attributeIndex;
  private boolean attributeFlipFlop;
  private int crtcIndex;
  private int dacState;
  private int dacReadIndex;
  private int dacWriteIndex;
  private int dacSubIndex;
  private int retrace;

  VgaStub(VgaState state, GuestMemory memory, MachineDevices.MemoryMover mover) {
    this.memory = memory;
    this.mover = mover;
    sequencer = atLeast(state.sequencer(), SEQUENCER_BITS.length);
    graphics = atLeast(state.graphics(), GRAPHICS_BITS.length);
    attribute = atLeast(state.attribute(), ATTRIBUTES);
    crtc = atLeast(state.crtc(), CRTC_REGISTERS);
    palette = state.palette().toArray();
    framebufferBytes = state.framebufferBytes();
    framebufferBackingOffset = state.framebufferBackingOffset();
    planes =
        new VgaMemory(
            memory, framebufferBackingOffset, framebufferBytes, sequencer, graphics, state.latch());
    bochs = new BochsDisplay(state.dispiIndex(), state.dispi(), planes, this::followBochsMode);
    miscOutput = state.miscOutput();
    featureControl = state.featureControl();
    sequencerIndex = state.sequencerIndex() & 7;
    graphicsIndex = state.graphicsIndex() & 0xf;
    attributeIndex = state.attributeIndex() & 0x3f;
    attributeFlipFlop = state.attributeFlipFlop();
    crtcIndex = state.crtcIndex() & 0xff;
    dacState = state.dacState();
    dacReadIndex = state.dacReadIndex() & 0xff;
    dacWriteIndex = state.dacWriteIndex() & 0xff;
    dacSubIndex = state.dacSubIndex() % 3;
  }

  private static byte[] atLeast(Bytes registers, int length) {
    return Arrays.copyOf(registers.toArray(), Math.max(registers.length(), length));
  }

  VgaState state() {
    return new VgaState(
        miscOutput,
        featureControl,
        sequencerIndex,
        Bytes.of(sequencer),
        graphicsIndex,
        Bytes.of(graphics),
        attributeIndex,
        Bytes.of(attribute),
        attributeFlipFlop,
        crtcIndex,
        Bytes.of(crtc),
        dacState,
        dacReadIndex,
        dacWriteIndex,
        dacSubIndex,
        Bytes.of(palette),
        bochs.index(),
        bochs.registers(),
        planes.latch(),
        framebufferBytes,
        framebufferBackingOffset);
  }

  void attach(PortBus ports, MmioBus mmio) {
    ports.attach(0x3b4, 2, this);
    ports.attach(0x3ba, 1, this);
    ports.attach(0x3c0, 16, this);
    ports.attach(0x3d4, 2, this);
    ports.attach(0x3da, 1, this);
    bochs.attach(ports);
    mmio.attach(VgaMemory.WINDOW_GPA, VgaMemory.WINDOW_BYTES, planes);
  }

  /** What stands behind base address register 2: the registers once more. */
  MmioDevice registerWindow() {
    return new VgaRegisterWindow(this, bochs);
  }

  /** Base address register 0 has moved: the framebuffer follows. */
  void framebufferMoved(OptionalLong gpa) {
    MemoryMap map = memory.map();
    List<MemoryRegion> regions = new ArrayList<>();
    String name = "framebuffer";
    for (MemoryRegion region : map.regions()) {
      if (region.kind() != MemoryKind.FRAMEBUFFER
          || region.backingOffset() != framebufferBackingOffset) {
        regions.add(region);
      } else if (gpa.isPresent() && region.gpa() == gpa.getAsLong()) {
        return;
      } else {
        name = region.name().replaceFirst("@.*", "");
      }
    }
    if (gpa.isPresent()) {
      long at = gpa.getAsLong();
      if (regions.stream().anyMatch(other -> overlaps(other, at))) {
        LOG.warn(
            "the guest places the framebuffer at 0x{}, where memory is: it stays out of reach",
            Long.toHexString(at));
      } else {
        regions.add(
            new MemoryRegion(
                "%s@%x".formatted(name, at),
                at,
                framebufferBytes,
                MemoryKind.FRAMEBUFFER,
                framebufferBackingOffset));
      }
    }
    regions.sort(Comparator.comparingLong(MemoryRegion::gpa));
    if (!regions.equals(map.regions())) {
      mover.remap(new MemoryMap(map.backingSizeBytes(), regions));
    }
  }

  private boolean overlaps(MemoryRegion other, long gpa) {
    return gpa < other.endGpa() && other.gpa() < gpa + framebufferBytes;
  }

  /** A Bochs mode looks through the window as at a line of octets. */
  private void followBochsMode() {
    sequencer[2] = 0x0f;
    sequencer[4] |= 0x08;
    graphics[5] &= ~0x10;
    graphics[6] = (byte) (graphics[6] & ~0x0c | 0x05);
  }

  @Override
  public int readOctet(int port) {
    if (otherColour(port)) {
      return 0xff;
    }
    return switch (port) {
      case 0x3c0 -> attributeFlipFlop ? 0 : attributeIndex;
      case 0x3c1 -> {
        int index = attributeIndex & 0x1f;
        yield index < ATTRIBUTES ? attribute[index] & 0xff : 0;
      }
      case 0x3c2 -> 0;
      case 0x3c4 -> sequencerIndex;
      case 0x3c5 -> sequencer[sequencerIndex] & 0xff;
      case 0x3c7 -> dacState;
      case 0x3c8 -> dacWriteIndex;
      case 0x3c9 -> readColour();
      case 0x3ca -> featureControl;
      case 0x3cc -> miscOutput;
      case 0x3ce -> graphicsIndex;
      case 0x3cf -> graphics[graphicsIndex] & 0xff;
      case 0x3b4, 0x3d4 -> crtcIndex;
      case 0x3b5, 0x3d5 -> crtc[crtcIndex] & 0xff;
      case 0x3ba, 0x3da -> {
        attributeFlipFlop = false;
        retrace ^= RETRACE_AND_BLANK;
        yield retrace;
      }
      default -> 0;
    };
  }

  @Override
  public void writeOctet(int port, int value) {
    if (otherColour(port)) {
      return;
    }
    switch (port) {
      case 0x3c0 -> writeAttribute(value);
      case 0x3c2 -> miscOutput = value & ~0x10;
      case 0x3c4 -> sequencerIndex = value & 7;
      case 0x3c5 -> sequencer[sequencerIndex] = (byte) (value & SEQUENCER_BITS[sequencerIndex]);
      case 0x3c7 -> {
        dacReadIndex = value;
        dacSubIndex = 0;
        dacState = READING;
      }
      case 0x3c8 -> {
        dacWriteIndex = value;
        dacSubIndex = 0;
        dacState = 0;
      }
      case 0x3c9 -> writeColour(value);
      case 0x3ce -> graphicsIndex = value & 0xf;
      case 0x3cf -> graphics[graphicsIndex] = (byte) (value & GRAPHICS_BITS[graphicsIndex]);
      case 0x3b4, 0x3d4 -> crtcIndex = value;
      case 0x3b5, 0x3d5 -> writeCrtc(value);
      case 0x3ba, 0x3da -> featureControl = value & 0x10;
      default -> {}
    }
  }

  /** Ports 3Bxh answer in monochrome modes, 3Dxh in colour modes. */
  private boolean otherColour(int port) {
    boolean colour = (miscOutput & COLOUR_ADDRESSES) != 0;
    return colour ? port < 0x3c0 : port >= 0x3d0;
  }

  private void writeAttribute(int value) {
    if (!attributeFlipFlop) {
      attributeIndex = value & 0x3f;
    } else {
      int index = attributeIndex & 0x1f;
      int bits = index < 0x10 ? 0x3f : index == 0x10 ? 0xef : index == 0x12 ? 0x3f : 0x0f;
      if (index < ATTRIBUTES) {
        attribute[index] = (byte) (index == 0x11 ? value : value & bits);
      }
    }
    attributeFlipFlop = !attributeFlipFlop;
  }

  private int readColour() {
    int value = palette[dacReadIndex * 3 + dacSubIndex] & 0xff;
    if (++dacSubIndex == 3) {
      dacSubIndex = 0;
      dacReadIndex = dacReadIndex + 1 & 0xff;
    }
    return value;
  }

  private void writeColour(int value) {
    palette[dacWriteIndex * 3 + dacSubIndex] = (byte) value;
    if (++dacSubIndex == 3) {
      dacSubIndex = 0;
      dacWriteIndex = dacWriteIndex + 1 & 0xff;
    }
  }

  private void writeCrtc(int value) {
    if ((crtc[CRTC_VERTICAL_END] & CRTC_PROTECTED) == 0 || crtcIndex > CRTC_OVERFLOW) {
      crtc[crtcIndex] = (byte) value;
    } else if (crtcIndex == CRTC_OVERFLOW) {
      crtc[CRTC_OVERFLOW] = (byte) (crtc[CRTC_OVERFLOW] & ~0x10 | value & 0x10);
    }
  }
}

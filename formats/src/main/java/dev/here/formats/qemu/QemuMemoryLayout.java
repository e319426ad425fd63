package dev.here.formats.qemu;

import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Where the guest sees QEMU's RAM blocks, by the rules of the i440FX machines: RAM split around the
 * hole below 4 GiB, shadowed ROM below 1 MiB as the PAM registers say, BIOS below 4 GiB, the
 * display's memory behind its BAR. The backing is all blocks one after the other in stream order,
 * so none of what a guest can change here moves data.
 *
 * <p>Facts: 82441FX data sheet (PAM registers 59h to 5Fh), QEMU 7.2's hw/i386/pc_piix.c (the
 * split), hw/pci-host/i440fx.c and pam.c, hw/i386/kvmvapic.c (the writable option ROM).
 */
public final class QemuMemoryLayout {
  private static final String MAIN = "pc.ram";
  private static final String BIOS = "pc.bios";
  private static final String OPTION_ROMS = "pc.rom";
  static final String VRAM = "/vga.vram";

  private static final long LOW_END = 0xa0000;
  private static final long SHADOW_START = 0xc0000;
  private static final long BIOS_START = 0xf0000;
  private static final long ISA_BIOS_START = 0xe0000;
  private static final long MIB = 0x100000;
  private static final long FOUR_GIB = 1L << 32;
  private static final long HOLE_START = 0xe0000000L;
  private static final long HOLE_START_ALIGNED = 0xc0000000L;
  private static final int PAM_BYTES = 0x4000;

  /** Size of kvmvapic.bin, rounded as QEMU maps it writable: 9216 octets, whole pages. */
  private static final long VAPIC_BYTES = 0x3000;

  private final List<RamBlock> blocks;
  private final RamBlock main;
  private final long belowFourGib;
  private final boolean vgaHole;

  private QemuMemoryLayout(
      List<RamBlock> blocks, RamBlock main, long belowFourGib, boolean vgaHole) {
    this.blocks = blocks;
    this.main = main;
    this.belowFourGib = belowFourGib;
    this.vgaHole = vgaHole;
  }

  /**
   * The layout of a guest.
   *
   * @param blocks as announced
   * @param tree what QEMU says now; names the main block and the size of RAM below 4 GiB
   * @throws QemuStreamException if the tree shows memory at address 0 that is no announced block
   */
  public static QemuMemoryLayout of(List<RamBlock> blocks, QemuMemoryTree tree) {
    String name = tree.at(0).map(QemuMemoryTree.Range::name).orElse(MAIN);
    RamBlock main =
        find(blocks, name)
            .orElseThrow(() ->
                new QemuStreamException(
                    -1,
                    "memory at address 0 is '"
                        + RamPages.printable(name)
                        + "', which is no RAM block of the stream"));
    long below =
        tree.memory().stream()
            .filter(range -> range.name().equals(name) && range.first() < FOUR_GIB)
            .mapToLong(range -> range.last() + 1)
            .max()
            .orElse(ruleBelowFourGib(main.sizeBytes()));
    if (below > main.sizeBytes() || below < MIB || below > FOUR_GIB || below % 4096 != 0) {
      throw new QemuStreamException(
          -1, "RAM below 4 GiB ends at " + RamPages.hex(below) + ", which no i440FX machine has");
    }
    return new QemuMemoryLayout(blocks, main, below, tree.hasMemory("vga-lowmem"));
  }

  /**
   * The layout of a guest by the machine's rules alone, for a stream without its QEMU.
   *
   * @param blocks as announced
   * @param vga the machine has a VGA display, whose window hides RAM at A0000h
   */
  public static QemuMemoryLayout of(List<RamBlock> blocks, boolean vga) {
    RamBlock main =
        find(blocks, MAIN)
            .orElseThrow(() -> new QemuStreamException(-1, "there is no RAM block 'pc.ram'"));
    return new QemuMemoryLayout(blocks, main, ruleBelowFourGib(main.sizeBytes()), vga);
  }

  private static long ruleBelowFourGib(long sizeBytes) {
    return sizeBytes < HOLE_START ? sizeBytes : HOLE_START_ALIGNED;
  }

  private static Optional<RamBlock> find(List<RamBlock> blocks, String name) {
    return blocks.stream().filter(block -> block.name().equals(name)).findFirst();
  }

  /** The block of a name. */
  Optional<RamBlock> block(String name) {
    return find(blocks, name);
  }

  /** All blocks together, in octets. */
  public long backingSizeBytes() {
    RamBlock last = blocks.getLast();
    return last.backingOffset() + last.sizeBytes();
  }

  /**
   * The guest's memory map as a device state sets it up.
   *
   * @throws QemuStreamException if the state has no i440FX or places memory where it can't be
   */
  public MemoryMap map(VmState state) {
    byte[] host = QemuPciConfig.of(state.require("0000:00:00.0/I440FX", 0), "parent_obj");
    var regions = new ArrayList<MemoryRegion>();
    add(regions, MemoryKind.RAM, 0, vgaHole ? LOW_END : SHADOW_START, main, 0);
    shadow(regions, host, vapic(state));
    add(regions, MemoryKind.RAM, MIB, belowFourGib - MIB, main, MIB);
    long above = main.sizeBytes() - belowFourGib;
    if (above > 0) {
      add(regions, MemoryKind.RAM, FOUR_GIB, above, main, belowFourGib);
    }
    find(blocks, BIOS)
        .ifPresent(bios ->
            add(regions, MemoryKind.ROM, FOUR_GIB - bios.sizeBytes(), bios.sizeBytes(), bios, 0));
    display(regions, state);
    regions.sort(Comparator.comparingLong(MemoryRegion::gpa));
    return new MemoryMap(backingSizeBytes(), merged(regions));
  }

  /** The sections that {@link #map} looks at. */
  List<VmStruct> sources(VmState state) {
    var sources = new ArrayList<VmStruct>();
    sources.add(state.require("0000:00:00.0/I440FX", 0));
    state.section("kvm-tpr-opt", 0).ifPresent(sources::add);
    for (RamBlock block : blocks) {
      if (block.name().endsWith(VRAM)) {
        sources.add(state.require(displaySection(block), 0));
      }
    }
    return sources;
  }

  /** Where the guest's option ROM for the TPR is kept writable by QEMU; -1 if it is not. */
  private static long vapic(VmState state) {
    Optional<VmStruct> section = state.section("kvm-tpr-opt", 0);
    if (section.isEmpty() || section.get().number("state") == 0) {
      return -1;
    }
    long gpa = section.get().number("rom_state_paddr") & ~0xfffL;
    return gpa < SHADOW_START || gpa + VAPIC_BYTES > MIB ? -1 : gpa;
  }

  /**
   * C0000h to FFFFFh in pages: RAM or the ROM beneath it, as a PAM register or the TPR ROM says.
   */
  private void shadow(List<MemoryRegion> regions, byte[] host, long vapic) {
    for (long gpa = SHADOW_START; gpa < MIB; gpa += MemoryRegion.PAGE_BYTES) {
      boolean writable = vapic >= 0 && gpa >= vapic && gpa < vapic + VAPIC_BYTES;
      int pam = writable ? 3 : pam(host, gpa);
      switch (pam) {
        case 3 -> add(regions, MemoryKind.RAM, gpa, MemoryRegion.PAGE_BYTES, main, gpa);
        case 1 -> add(regions, MemoryKind.ROM, gpa, MemoryRegion.PAGE_BYTES, main, gpa);
        default -> rom(regions, gpa);
      }
    }
  }

  /** Bit 0: reads go to RAM, bit 1: writes do. */
  private static int pam(byte[] host, long gpa) {
    if (gpa >= BIOS_START) {
      return host[0x59] >> 4 & 3;
    }
    int segment = (int) ((gpa - SHADOW_START) / PAM_BYTES);
    return host[0x5a + segment / 2] >> (segment % 2 == 0 ? 0 : 4) & 3;
  }

  private void rom(List<MemoryRegion> regions, long gpa) {
    Optional<RamBlock> rom = find(blocks, gpa < ISA_BIOS_START ? OPTION_ROMS : BIOS);
    if (rom.isEmpty()) {
      return;
    }
    RamBlock block = rom.get();
    long offset = gpa < ISA_BIOS_START ? gpa - SHADOW_START : block.sizeBytes() - (MIB - gpa);
    if (offset >= 0 && offset < block.sizeBytes()) {
      add(regions, MemoryKind.ROM, gpa, MemoryRegion.PAGE_BYTES, block, offset);
    }
  }

  /** The display's memory stands behind its BAR 0 when the guest lets it decode memory. */
  private void display(List<MemoryRegion> regions, VmState state) {
    for (RamBlock block : blocks) {
      if (!block.name().endsWith(VRAM)) {
        continue;
      }
      byte[] config = QemuPciConfig.of(state.require(displaySection(block), 0), "dev");
      long gpa = QemuPciConfig.u32(config, 0x10) & ~0xfL;
      boolean decodes = (config[4] & 2) != 0 && gpa != 0;
      if (decodes && gpa >= belowFourGib && gpa + block.sizeBytes() <= FOUR_GIB) {
        add(regions, MemoryKind.FRAMEBUFFER, gpa, block.sizeBytes(), block, 0);
      }
    }
  }

  private static String displaySection(RamBlock memory) {
    return memory.name().substring(0, memory.name().length() - VRAM.length()) + "/vga";
  }

  private static void add(
      List<MemoryRegion> regions,
      MemoryKind kind,
      long gpa,
      long sizeBytes,
      RamBlock block,
      long offset) {
    regions.add(
        new MemoryRegion(
            "%s@%x".formatted(RamPages.printable(block.name()), gpa),
            gpa,
            sizeBytes,
            kind,
            block.backingOffset() + offset));
  }

  /** Neighbours that go on in the backing too are one region. */
  private static List<MemoryRegion> merged(List<MemoryRegion> regions) {
    var merged = new ArrayList<MemoryRegion>();
    for (MemoryRegion region : regions) {
      MemoryRegion before = merged.isEmpty() ? null : merged.getLast();
      if (before != null
          && before.endGpa() == region.gpa()
          && before.kind() == region.kind()
          && before.backingOffset() + before.sizeBytes() == region.backingOffset()) {
        merged.removeLast();
        merged.add(
            new MemoryRegion(
                before.name(),
                before.gpa(),
                before.sizeBytes() + region.sizeBytes(),
                before.kind(),
                before.backingOffset()));
      } else {
        merged.add(region);
      }
    }
    return merged;
  }

  /**
   * Compares a map with what QEMU says: every range of memory that either has must be the same in
   * both, except in the display's window, where QEMU maps the framebuffer in some modes as a short
   * cut past the display's own logic.
   *
   * @throws QemuStreamException naming the first difference
   */
  public void check(MemoryMap map, QemuMemoryTree tree) {
    for (QemuMemoryTree.Range range : tree.memory()) {
      if (!isMemory(range) || range.first() >= LOW_END && range.last() < SHADOW_START) {
        continue;
      }
      for (long gpa = range.first(); gpa <= range.last(); gpa += MemoryRegion.PAGE_BYTES) {
        Optional<MemoryRegion> region = map.regionAt(gpa);
        if (region.isEmpty() || !same(region.get(), range, gpa)) {
          throw new QemuStreamException(
              -1,
              "QEMU has %s '%s' at 0x%x, the machine's rules give %s: this memory can't be carried"
                  .formatted(
                      range.kind(),
                      RamPages.printable(range.name()),
                      gpa,
                      region.map(MemoryRegion::name).orElse("nothing")));
        }
        gpa = Math.max(gpa, skip(region.get(), range));
      }
    }
    for (MemoryRegion region : map.regions()) {
      if (tree.at(region.gpa()).filter(QemuMemoryLayout::isMemory).isEmpty()) {
        throw new QemuStreamException(
            -1, "the machine's rules give memory " + region.name() + ", QEMU has none there");
      }
    }
  }

  private static boolean isMemory(QemuMemoryTree.Range range) {
    return range.kind().equals("ram") || range.kind().equals("rom") || range.kind().equals("romd");
  }

  /** The last page for which both the region and the range go on. */
  private static long skip(MemoryRegion region, QemuMemoryTree.Range range) {
    return Math.min(region.endGpa() - 1, range.last()) - (MemoryRegion.PAGE_BYTES - 1);
  }

  private boolean same(MemoryRegion region, QemuMemoryTree.Range range, long gpa) {
    boolean readOnly = !range.kind().equals("ram");
    long backing = region.backingOffset() + gpa - region.gpa();
    for (RamBlock block : blocks) {
      boolean named =
          block.name().equals(range.name()) || block.name().endsWith("/" + range.name());
      long offset = block.backingOffset() + range.offset() + gpa - range.first();
      if (named && backing == offset) {
        return readOnly == (region.kind() == MemoryKind.ROM);
      }
    }
    return false;
  }
}

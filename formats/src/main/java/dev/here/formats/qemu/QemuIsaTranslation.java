package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.DmaChannel;
import dev.here.machine.DmaState;
import dev.here.machine.FirmwareConfigState;
import dev.here.machine.FloppyState;
import dev.here.machine.IsaState;
import dev.here.machine.ParallelState;
import dev.here.machine.SerialState;
import dev.here.machine.VgaState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The small devices of a PC. Facts: QEMU 7.2's hw/char, hw/dma/i8257.c, hw/block/fdc.c,
 * hw/display/vga.c, hw/nvram/fw_cfg.c, hw/i386/port92.c.
 */
final class QemuIsaTranslation {
  private static final int[] SERIAL_PORTS = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
  private static final int[] SERIAL_IRQS = {4, 3, 4, 3};
  private static final int[] PARALLEL_PORTS = {0x378, 0x278, 0x3bc};
  private static final int[] PARALLEL_IRQS = {7, 5, 7};
  private static final int FW_CFG_PORT = 0x510;
  private static final int IIR_ID = 0x06;
  private static final int IIR_THR_EMPTY = 0x02;

  private final VmState state;
  private final QemuGuestFacts facts;
  private final int isaWires;
  private final Function<String, Optional<RamBlock>> blocks;

  /**
   * @param isaWires levels of the ISA interrupts
   * @param blocks RAM blocks by name, for the display's memory
   */
  QemuIsaTranslation(
      VmState state,
      QemuGuestFacts facts,
      int isaWires,
      Function<String, Optional<RamBlock>> blocks) {
    this.state = state;
    this.facts = facts;
    this.isaWires = isaWires;
    this.blocks = blocks;
  }

  IsaState isa() {
    return new IsaState(
        serials(),
        parallels(),
        new QemuKeyboardTranslation(state).i8042(),
        dma(),
        state.section("fdc", 0).map(fdc -> floppy(fdc.struct("state"))),
        new QemuIdeTranslation(state, isaWires).channels(),
        vga(),
        state.section("fw_cfg", 0).map(QemuIsaTranslation::firmwareConfig),
        state.section("port92", 0).map(port -> port.number("outport", 0, 255)).orElse(0),
        facts.addresses().portsNamed("isa-debug-exit").stream().findFirst());
  }

  private List<SerialState> serials() {
    var serials = new ArrayList<SerialState>();
    for (int i = 0; i < SERIAL_PORTS.length; i++) {
      int index = i;
      state
          .section("serial", i)
          .ifPresent(section -> serials.add(serial(section.struct("state"), index)));
    }
    return serials;
  }

  private static SerialState serial(VmStruct uart, int index) {
    int iir = uart.number("iir", 0, 255);
    Optional<VmStruct> sending = uart.subsection("serial/tsr");
    return new SerialState(
        SERIAL_PORTS[index],
        SERIAL_IRQS[index],
        uart.number("divider", 0, 0xffff),
        uart.number("rbr", 0, 255),
        sending.map(part -> part.number("thr", 0, 255)).orElse(0),
        uart.number("ier", 0, 255),
        iir,
        uart.number("fcr_vmstate", 0, 255),
        uart.number("lcr", 0, 255),
        uart.number("mcr", 0, 255),
        uart.number("lsr", 0, 255),
        uart.number("msr", 0, 255),
        uart.number("scr", 0, 255),
        uart.subsection("serial/thr_ipending")
            .map(part -> part.flag("thr_ipending"))
            .orElse((iir & IIR_ID) == IIR_THR_EMPTY),
        uart.subsection("serial/timeout_ipending")
            .filter(part -> part.flag("timeout_ipending"))
            .isPresent(),
        fifo(uart, "recv_fifo"),
        fifo(uart, "xmit_fifo"));
  }

  private static Bytes fifo(VmStruct uart, String name) {
    Optional<VmStruct> part = uart.subsection("serial/" + name);
    if (part.isEmpty()) {
      return Bytes.EMPTY;
    }
    VmStruct fifo = part.get().struct(name);
    byte[] data = fifo.octets("data", 16);
    int head = fifo.number("head", 0, 15);
    byte[] out = new byte[fifo.number("num", 0, 16)];
    for (int i = 0; i < out.length; i++) {
      out[i] = data[head + i & 15];
    }
    return Bytes.of(out);
  }

  private List<ParallelState> parallels() {
    var ports = new ArrayList<ParallelState>();
    for (int i = 0; i < PARALLEL_PORTS.length; i++) {
      Optional<VmStruct> port = state.section("parallel_isa", i);
      if (port.isPresent()) {
        ports.add(
            new ParallelState(
                PARALLEL_PORTS[i],
                PARALLEL_IRQS[i],
                port.get().number("state.dataw", 0, 255),
                port.get().number("state.status", 0, 255),
                port.get().number("state.control", 0, 255)));
      }
    }
    return ports;
  }

  private List<DmaState> dma() {
    var controllers = new ArrayList<DmaState>();
    for (int i = 0; i < 2; i++) {
      state.section("dma", i).ifPresent(section -> controllers.add(dma(section)));
    }
    return controllers.size() == 2 ? controllers : List.of();
  }

  private static DmaState dma(VmStruct dma) {
    int shift = dma.number("dshift", 0, 1);
    var channels = new ArrayList<DmaChannel>();
    for (VmStruct channel : dma.structs("regs", 4)) {
      long[] now = channel.numbers("now", 2);
      long[] base = channel.numbers("base", 2);
      int mode = channel.number("mode", 0, 255);
      long address = now[0] + now[1] * ((mode & 0x20) != 0 ? -1 : 1);
      channels.add(
          new DmaChannel(
              (int) base[0],
              (int) base[1],
              (int) (address >> shift) & 0xffff,
              (int) ((base[1] << shift) - now[1] >> shift) & 0xffff,
              mode,
              channel.number("page", 0, 255),
              channel.number("pageh", 0, 255)));
    }
    return new DmaState(
        dma.number("command", 0, 255),
        dma.number("mask", 0, 255),
        0,
        0,
        dma.flag("flip_flop"),
        channels);
  }

  private static FloppyState floppy(VmStruct fdc) {
    byte[] fifo = new byte[512];
    long[] octets = fdc.numbers("fifo", fifo.length);
    for (int i = 0; i < fifo.length; i++) {
      fifo[i] = (byte) octets[i];
    }
    int statusA = fdc.number("sra", 0, 255);
    int length = fdc.number("data_len", 0, Integer.MAX_VALUE);
    return new FloppyState(
        statusA,
        fdc.number("srb", 0, 255),
        fdc.number("dor_vmstate", 0, 255),
        fdc.number("tdr", 0, 255),
        fdc.number("dsr", 0, 255),
        fdc.number("msr", 0, 255),
        fdc.number("status0", 0, 255),
        fdc.subsection("fdc/reset_sensei")
            .map(part -> part.number("reset_sensei", 0, 4))
            .filter(answers -> answers > 0)
            .orElse(statusA >> 7),
        Bytes.of(fifo),
        fdc.number("data_pos", 0, Integer.MAX_VALUE),
        length,
        floppyPhase(fdc));
  }

  /** As QEMU works it out where it does not send it: 0 command, 1 execution, 2 result. */
  private static int floppyPhase(VmStruct fdc) {
    Optional<VmStruct> sent = fdc.subsection("fdc/phase");
    if (sent.isPresent()) {
      return Math.max(0, sent.get().number("phase", 0, 3) - 1);
    }
    int status = fdc.number("msr", 0, 255);
    boolean busy = (status & 0x10) != 0;
    boolean toGuest = (status & 0x40) != 0;
    return !busy ? 0 : toGuest ? 2 : 0;
  }

  private Optional<VgaState> vga() {
    for (VmState.Section section : state.sections()) {
      if (section.content().vmsdName().equals("vga")) {
        String address = section.name().substring(0, section.name().indexOf('/'));
        return blocks
            .apply(address + QemuMemoryLayout.VRAM)
            .map(memory -> vga(section.content().struct("vga"), memory));
      }
    }
    return Optional.empty();
  }

  private static VgaState vga(VmStruct vga, RamBlock memory) {
    var dispi = new ArrayList<Integer>();
    for (long register : vga.numbers("vbe_regs")) {
      dispi.add((int) register);
    }
    return new VgaState(
        vga.number("msr", 0, 255),
        vga.number("fcr", 0, 255),
        vga.number("sr_index", 0, 255),
        Bytes.of(vga.octets("sr")),
        vga.number("gr_index", 0, 255),
        Bytes.of(vga.octets("gr")),
        vga.number("ar_index", 0, 255),
        Bytes.of(vga.octets("ar")),
        vga.flag("ar_flip_flop"),
        vga.number("cr_index", 0, 255),
        Bytes.of(vga.octets("cr")),
        vga.number("dac_state", 0, 255),
        vga.number("dac_read_index", 0, 255),
        vga.number("dac_write_index", 0, 255),
        vga.number("dac_sub_index", 0, 255),
        Bytes.of(vga.octets("palette", 768)),
        vga.number("vbe_index", 0, 0xffff),
        dispi,
        (int) vga.number("latch"),
        memory.sizeBytes(),
        memory.backingOffset());
  }

  private static FirmwareConfigState firmwareConfig(VmStruct config) {
    Optional<VmStruct> dma = config.subsection("fw_cfg/dma");
    return new FirmwareConfigState(
        FW_CFG_PORT,
        config.number("cur_entry", 0, 0xffff),
        config.number("cur_offset[1]", 0, Integer.MAX_VALUE),
        dma.map(part -> part.number("dma_addr")).orElse(0L),
        dma.isPresent(),
        List.of());
  }
}

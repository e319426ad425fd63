package dev.here.formats.state;

import dev.here.machine.DmaChannel;
import dev.here.machine.DmaState;
import dev.here.machine.FirmwareConfigFile;
import dev.here.machine.FirmwareConfigState;
import dev.here.machine.I8042State;
import dev.here.machine.IsaState;
import dev.here.machine.ParallelState;
import dev.here.machine.SerialState;

/** The ISA bus and its devices, but for drives and the display. */
final class IsaJson {
  static final RecordJson<IsaState> ISA =
      new RecordJson<>() {
        @Override
        public void write(IsaState isa, StateWriter out) {
          out.list("serials", isa.serials(), SERIAL);
          out.list("parallels", isa.parallels(), PARALLEL);
          out.optional("i8042", isa.i8042(), I8042);
          out.list("dma", isa.dma(), DMA);
          out.optional("floppy", isa.floppy(), DriveJson.FLOPPY);
          out.list("ide", isa.ide(), DriveJson.IDE_CHANNEL);
          out.optional("vga", isa.vga(), VgaJson.VGA);
          out.optional("firmwareConfig", isa.firmwareConfig(), FIRMWARE_CONFIG);
          out.int32("systemControlA", isa.systemControlA());
          out.optionalInt32("debugExitPort", isa.debugExitPort());
        }

        @Override
        public IsaState read(StateReader in) {
          return new IsaState(
              in.list("serials", SERIAL),
              in.list("parallels", PARALLEL),
              in.optional("i8042", I8042),
              in.list("dma", DMA),
              in.optional("floppy", DriveJson.FLOPPY),
              in.list("ide", DriveJson.IDE_CHANNEL),
              in.optional("vga", VgaJson.VGA),
              in.optional("firmwareConfig", FIRMWARE_CONFIG),
              in.int32("systemControlA"),
              in.optionalInt32("debugExitPort"));
        }
      };

  private static final RecordJson<SerialState> SERIAL =
      new RecordJson<>() {
        @Override
        public void write(SerialState serial, StateWriter out) {
          out.int32("port", serial.port());
          out.int32("irq", serial.irq());
          out.int32("divisor", serial.divisor());
          out.int32("receiveBuffer", serial.receiveBuffer());
          out.int32("transmitHolding", serial.transmitHolding());
          out.int32("interruptEnable", serial.interruptEnable());
          out.int32("interruptIdentification", serial.interruptIdentification());
          out.int32("fifoControl", serial.fifoControl());
          out.int32("lineControl", serial.lineControl());
          out.int32("modemControl", serial.modemControl());
          out.int32("lineStatus", serial.lineStatus());
          out.int32("modemStatus", serial.modemStatus());
          out.int32("scratch", serial.scratch());
          out.flag("transmitInterruptPending", serial.transmitInterruptPending());
          out.flag("timeoutPending", serial.timeoutPending());
          out.octets("receiveFifo", serial.receiveFifo());
          out.octets("transmitFifo", serial.transmitFifo());
        }

        @Override
        public SerialState read(StateReader in) {
          return new SerialState(
              in.int32("port"),
              in.int32("irq"),
              in.int32("divisor"),
              in.int32("receiveBuffer"),
              in.int32("transmitHolding"),
              in.int32("interruptEnable"),
              in.int32("interruptIdentification"),
              in.int32("fifoControl"),
              in.int32("lineControl"),
              in.int32("modemControl"),
              in.int32("lineStatus"),
              in.int32("modemStatus"),
              in.int32("scratch"),
              in.flag("transmitInterruptPending"),
              in.flag("timeoutPending"),
              in.octets("receiveFifo"),
              in.octets("transmitFifo"));
        }
      };

  private static final RecordJson<ParallelState> PARALLEL =
      new RecordJson<>() {
        @Override
        public void write(ParallelState parallel, StateWriter out) {
          out.int32("port", parallel.port());
          out.int32("irq", parallel.irq());
          out.int32("data", parallel.data());
          out.int32("status", parallel.status());
          out.int32("control", parallel.control());
        }

        @Override
        public ParallelState read(StateReader in) {
          return new ParallelState(
              in.int32("port"),
              in.int32("irq"),
              in.int32("data"),
              in.int32("status"),
              in.int32("control"));
        }
      };

  private static final RecordJson<I8042State> I8042 =
      new RecordJson<>() {
        @Override
        public void write(I8042State keyboard, StateWriter out) {
          out.int32("status", keyboard.status());
          out.int32("command", keyboard.command());
          out.int32("writeCommand", keyboard.writeCommand());
          out.int32("outputPort", keyboard.outputPort());
          out.int32("pending", keyboard.pending());
          out.int32("lastOutput", keyboard.lastOutput());
          out.octets("keyboardQueue", keyboard.keyboardQueue());
          out.octets("mouseQueue", keyboard.mouseQueue());
          out.int32("keyboardCommand", keyboard.keyboardCommand());
          out.flag("keyboardScanning", keyboard.keyboardScanning());
          out.int32("scancodeSet", keyboard.scancodeSet());
          out.int32("leds", keyboard.leds());
          out.int32("mouseCommand", keyboard.mouseCommand());
          out.int32("mouseStatus", keyboard.mouseStatus());
          out.int32("mouseResolution", keyboard.mouseResolution());
          out.int32("mouseSampleRate", keyboard.mouseSampleRate());
          out.int32("mouseType", keyboard.mouseType());
        }

        @Override
        public I8042State read(StateReader in) {
          return new I8042State(
              in.int32("status"),
              in.int32("command"),
              in.int32("writeCommand"),
              in.int32("outputPort"),
              in.int32("pending"),
              in.int32("lastOutput"),
              in.octets("keyboardQueue"),
              in.octets("mouseQueue"),
              in.int32("keyboardCommand"),
              in.flag("keyboardScanning"),
              in.int32("scancodeSet"),
              in.int32("leds"),
              in.int32("mouseCommand"),
              in.int32("mouseStatus"),
              in.int32("mouseResolution"),
              in.int32("mouseSampleRate"),
              in.int32("mouseType"));
        }
      };

  private static final RecordJson<DmaState> DMA =
      new RecordJson<>() {
        @Override
        public void write(DmaState dma, StateWriter out) {
          out.int32("command", dma.command());
          out.int32("mask", dma.mask());
          out.int32("request", dma.request());
          out.int32("status", dma.status());
          out.flag("flipFlop", dma.flipFlop());
          out.list("channels", dma.channels(), DMA_CHANNEL);
        }

        @Override
        public DmaState read(StateReader in) {
          return new DmaState(
              in.int32("command"),
              in.int32("mask"),
              in.int32("request"),
              in.int32("status"),
              in.flag("flipFlop"),
              in.list("channels", DMA_CHANNEL));
        }
      };

  private static final RecordJson<DmaChannel> DMA_CHANNEL =
      new RecordJson<>() {
        @Override
        public void write(DmaChannel channel, StateWriter out) {
          out.int32("baseAddress", channel.baseAddress());
          out.int32("baseCount", channel.baseCount());
          out.int32("currentAddress", channel.currentAddress());
          out.int32("currentCount", channel.currentCount());
          out.int32("mode", channel.mode());
          out.int32("page", channel.page());
          out.int32("pageHigh", channel.pageHigh());
        }

        @Override
        public DmaChannel read(StateReader in) {
          return new DmaChannel(
              in.int32("baseAddress"),
              in.int32("baseCount"),
              in.int32("currentAddress"),
              in.int32("currentCount"),
              in.int32("mode"),
              in.int32("page"),
              in.int32("pageHigh"));
        }
      };

  private static final RecordJson<FirmwareConfigState> FIRMWARE_CONFIG =
      new RecordJson<>() {
        @Override
        public void write(FirmwareConfigState config, StateWriter out) {
          out.int32("port", config.port());
          out.int32("selected", config.selected());
          out.int32("offset", config.offset());
          out.int64("dmaAddress", config.dmaAddress());
          out.flag("dma", config.dma());
          out.list("items", config.items(), FIRMWARE_CONFIG_FILE);
        }

        @Override
        public FirmwareConfigState read(StateReader in) {
          return new FirmwareConfigState(
              in.int32("port"),
              in.int32("selected"),
              in.int32("offset"),
              in.int64("dmaAddress"),
              in.flag("dma"),
              in.list("items", FIRMWARE_CONFIG_FILE));
        }
      };

  private static final RecordJson<FirmwareConfigFile> FIRMWARE_CONFIG_FILE =
      new RecordJson<>() {
        @Override
        public void write(FirmwareConfigFile file, StateWriter out) {
          out.int32("selector", file.selector());
          out.text("name", file.name());
          out.octets("content", file.content());
        }

        @Override
        public FirmwareConfigFile read(StateReader in) {
          return new FirmwareConfigFile(
              in.int32("selector"), in.text("name"), in.octets("content"));
        }
      };

  private IsaJson() {}
}

package dev.here.formats.qemu;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads an ordinary migration stream, or the one that opens a COLO connection, or the file of
 * {@code xen-save-devices-state} (docs/specs/qemu-stream.md). Section and command numbers: QEMU's
 * migration/savevm.h and savevm.c.
 */
public final class MigrationStreamReader {
  private static final int MAGIC = 0x5145564d;
  private static final int VERSION = 3;

  static final int SECTION_EOF = 0x00;
  static final int SECTION_START = 0x01;
  static final int SECTION_PART = 0x02;
  static final int SECTION_END = 0x03;
  static final int SECTION_FULL = 0x04;
  static final int SUBSECTION = 0x05;
  static final int SECTION_CONFIGURATION = 0x07;
  static final int SECTION_COMMAND = 0x08;
  static final int SECTION_FOOTER = 0x7e;

  private static final int COMMAND_OPEN_RETURN_PATH = 1;
  private static final int COMMAND_ENABLE_COLO = 8;

  private static final int MAX_NAME = 255;
  private static final int RAM_VERSION = 4;

  private final StreamInput in;
  private final RamPages ram;
  private Optional<String> machineType = Optional.empty();
  private boolean colo;
  private boolean sharedIgnored;
  private boolean ramStarted;
  private int ramSection;

  /**
   * @param channel the stream, in blocking mode
   */
  public MigrationStreamReader(ReadableByteChannel channel) {
    this(new StreamInput(channel));
  }

  MigrationStreamReader(StreamInput in) {
    this.in = in;
    this.ram = new RamPages(in);
  }

  /**
   * Reads the whole stream; pages go to the sink.
   *
   * @throws QemuStreamException if no supported QEMU would send this
   * @throws java.io.EOFException if the stream ends early
   * @throws IOException what the channel throws
   */
  public MigrationStream read(RamSink sink) throws IOException {
    readHeader();
    ram.restart();
    long began = in.position();
    long ramBytes = 0;
    while (true) {
      int type = in.peekOrEnd();
      if (type == SECTION_FULL || type == SECTION_EOF) {
        break;
      }
      long at = in.position();
      switch (in.u8()) {
        case SECTION_CONFIGURATION -> readConfiguration();
        case SECTION_COMMAND -> readCommand();
        case SECTION_START -> readRamStart(sink);
        case SECTION_PART, SECTION_END -> readRamPages(sink, at);
        default ->
            throw new QemuStreamException(at, "section of unknown type " + RamPages.hex(type));
      }
      ramBytes = in.position() - began;
    }
    var tally = new RamTally(ram.pages(), ram.zeroPages(), ramBytes);
    var tail = new DeviceStateTail(in, machineType.isPresent()).read();
    return new MigrationStream(
        machineType, colo, ram.blocks(), tally, tail.deviceState(), tail.schema());
  }

  /** The RAM part of a COLO checkpoint, up to and with its end mark. */
  RamTally readCheckpointRam(RamSink sink) throws IOException {
    ram.restart();
    long began = in.position();
    while (true) {
      long at = in.position();
      int type = in.u8();
      switch (type) {
        case SECTION_EOF -> {
          return new RamTally(ram.pages(), ram.zeroPages(), in.position() - began);
        }
        case SECTION_PART, SECTION_END -> readRamPages(sink, at);
        default ->
            throw new QemuStreamException(
                at, "section of type " + RamPages.hex(type) + " in a checkpoint's RAM pass");
      }
    }
  }

  private void readHeader() throws IOException {
    int magic = in.i32();
    if (magic != MAGIC) {
      throw new QemuStreamException(
          0, "not a QEMU migration stream: it begins with " + Integer.toHexString(magic));
    }
    int version = in.i32();
    if (version != VERSION) {
      throw new QemuStreamException(4, "migration stream of version " + version + ", not 3");
    }
  }

  private void readConfiguration() throws IOException {
    long at = in.position();
    if (machineType.isPresent()) {
      throw new QemuStreamException(at, "a second configuration section");
    }
    machineType = Optional.of(name32());
    while (in.peekOrEnd() == SUBSECTION) {
      in.u8();
      at = in.position();
      String name = in.counted8();
      int version = in.i32();
      switch (name) {
        case "configuration/capabilities" -> readCapabilities();
        case "configuration/target-page-bits" -> readPageBits();
        case "configuration/uuid" -> in.bytes(new byte[16], 0, 16);
        default ->
            throw new QemuStreamException(
                at,
                "configuration subsection '"
                    + RamPages.printable(name)
                    + "' version "
                    + version
                    + " is not known");
      }
    }
  }

  private void readCapabilities() throws IOException {
    long at = in.position();
    int count = in.i32();
    if (count < 0 || count > MAX_NAME) {
      throw new QemuStreamException(at, count + " migration capabilities");
    }
    for (int i = 0; i < count; i++) {
      at = in.position();
      String name = in.counted8();
      if (!name.equals("x-ignore-shared")) {
        throw new QemuStreamException(
            at,
            "the sender uses migration capability '"
                + RamPages.printable(name)
                + "': switch it off");
      }
      sharedIgnored = true;
    }
  }

  private void readPageBits() throws IOException {
    long at = in.position();
    int bits = in.i32();
    if (bits != 12) {
      throw new QemuStreamException(at, "pages of 2^" + bits + " bytes, not 4096");
    }
  }

  private void readCommand() throws IOException {
    long at = in.position();
    int command = in.u16();
    int length = in.u16();
    if ((command != COMMAND_ENABLE_COLO && command != COMMAND_OPEN_RETURN_PATH) || length != 0) {
      throw new QemuStreamException(
          at,
          "migration command "
              + command
              + " with "
              + length
              + " bytes: only COLO and a return path are known (postcopy must be off)");
    }
    colo |= command == COMMAND_ENABLE_COLO;
  }

  private void readRamStart(RamSink sink) throws IOException {
    long at = in.position();
    int id = in.i32();
    String name = in.counted8();
    int instance = in.i32();
    int version = in.i32();
    if (!name.equals("ram") || instance != 0 || version != RAM_VERSION || ramStarted) {
      throw new QemuStreamException(
          at,
          "live section '"
              + RamPages.printable(name)
              + "' instance "
              + instance
              + " version "
              + version
              + (ramStarted ? " after RAM has started" : "")
              + ": only 'ram' version 4 is known (no block or dirty-bitmap migration)");
    }
    ramStarted = true;
    ramSection = id;
    ram.readBlocks(sharedIgnored);
    readFooter();
    sink.blocks(ram.blocks());
  }

  private void readRamPages(RamSink sink, long at) throws IOException {
    int id = in.i32();
    if (!ramStarted || id != ramSection) {
      throw new QemuStreamException(at, "pages of section " + id + ", which has not started");
    }
    ram.readPages(sink);
    readFooter();
  }

  private void readFooter() throws IOException {
    long at = in.position();
    int mark = in.u8();
    int id = in.i32();
    if (mark != SECTION_FOOTER || id != ramSection) {
      throw new QemuStreamException(
          at,
          "RAM section "
              + ramSection
              + " ends with "
              + RamPages.hex(mark)
              + " and id "
              + id
              + " in place of its footer");
    }
  }

  private String name32() throws IOException {
    long at = in.position();
    int length = in.i32();
    if (length <= 0 || length > MAX_NAME) {
      throw new QemuStreamException(at, "a machine name of " + length + " bytes");
    }
    byte[] name = new byte[length];
    in.bytes(name, 0, length);
    return new String(name, StandardCharsets.ISO_8859_1);
  }
}

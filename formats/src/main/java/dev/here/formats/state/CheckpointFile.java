package dev.here.formats.state;

import dev.here.machine.MachineState;
import dev.here.machine.MemoryRegion;
import dev.here.machine.TranslationReport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * A checkpoint in a file: machine state, translation report and, unless left out, memory. Layout,
 * bounds and rejections: docs/specs/checkpoint-file.md. Writing is atomic: the file appears whole
 * or not at all. A reader keeps the file mapped until it is closed.
 */
public final class CheckpointFile implements AutoCloseable {
  static final long MAGIC = 0x54504b4345524548L; // "HERECKPT", little-endian
  static final int VERSION = 1;
  static final int SECTION_STATE = 1;
  static final int SECTION_REPORT = 2;
  static final int SECTION_PAGES = 3;
  static final int SECTION_END = 255;

  /** Most pages of one pages section. */
  static final int MAX_RUN_PAGES = 4096;

  private static final int HEADER_BYTES = 16;
  private static final int SECTION_HEADER_BYTES = 16;
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private record Section(int type, int parameter, long offset, long lengthBytes) {}

  private final Path path;
  private final Arena arena;
  private final MemorySegment file;
  private final List<Section> pages = new ArrayList<>();
  private final MachineState state;
  private final TranslationReport report;

  /**
   * Opens and checks a file; every section's checksum is verified.
   *
   * @throws StateFormatException if the file is not a whole checkpoint file of a known version
   * @throws IOException if it cannot be read
   */
  @SuppressWarnings("MustBeClosedChecker")
  public CheckpointFile(Path path) throws IOException {
    this.path = path;
    this.arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      this.file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      Optional<MachineState> foundState = Optional.empty();
      TranslationReport foundReport = TranslationReport.COMPLETE;
      for (Section section : sections()) {
        switch (section.type) {
          case SECTION_STATE -> foundState = Optional.of(MachineStateCodec.decode(octets(section)));
          case SECTION_REPORT -> foundReport = MachineStateCodec.decodeReport(octets(section));
          default -> pages.add(section);
        }
      }
      this.state = foundState.orElseThrow(() -> refused("it holds no machine state"));
      this.report = foundReport;
      checkPages();
    } catch (RuntimeException | IOException e) {
      arena.close();
      throw e;
    }
  }

  /** The machine state. */
  public MachineState state() {
    return state;
  }

  /** What the translation that made the state left behind. */
  public TranslationReport report() {
    return report;
  }

  /** Whether it holds memory; all-zero memory counts as none. */
  public boolean hasMemory() {
    return !pages.isEmpty();
  }

  /**
   * Copies the memory into {@code backing}, which holds zeros and is as long as the state's memory
   * map says.
   */
  public void readMemory(MemorySegment backing) {
    if (backing.byteSize() < state.memory().backingSizeBytes()) {
      throw new StateFormatException(
          "memory of %d octets does not take a checkpoint of %d"
              .formatted(backing.byteSize(), state.memory().backingSizeBytes()));
    }
    for (Section section : pages) {
      MemorySegment.copy(
          file,
          section.offset,
          backing,
          Integer.toUnsignedLong(section.parameter) * MemoryRegion.PAGE_BYTES,
          section.lengthBytes);
    }
  }

  /** Writes a checkpoint without memory. */
  public static void write(Path path, MachineState state, TranslationReport report)
      throws IOException {
    write(path, state, report, MemorySegment.NULL);
  }

  /**
   * Writes a checkpoint; pages of zeros take no room.
   *
   * @param backing the backing of the state's memory map, or an empty segment to leave memory out
   * @throws IOException if it cannot be written whole; a file that was there before stays
   */
  public static void write(
      Path path, MachineState state, TranslationReport report, MemorySegment backing)
      throws IOException {
    Path directory = path.toAbsolutePath().getParent();
    Path partial = Files.createTempFile(directory, path.getFileName().toString(), ".partial");
    try {
      try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        SectionWriter out = new SectionWriter(channel);
        out.header(MAGIC, VERSION);
        out.section(SECTION_STATE, 0, MachineStateCodec.encode(state));
        out.section(SECTION_REPORT, 0, MachineStateCodec.encode(report));
        writePages(out, backing);
        out.section(SECTION_END, 0, new byte[0]);
        channel.force(true);
      }
      Files.move(
          partial, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private static void writePages(SectionWriter out, MemorySegment backing) throws IOException {
    int count = Math.toIntExact(backing.byteSize() / MemoryRegion.PAGE_BYTES);
    int page = 0;
    while (page < count) {
      while (page < count && isZero(backing, page)) {
        page++;
      }
      int first = page;
      while (page < count && page - first < MAX_RUN_PAGES && !isZero(backing, page)) {
        page++;
      }
      if (page > first) {
        out.section(
            SECTION_PAGES,
            first,
            backing.asSlice(
                (long) first * MemoryRegion.PAGE_BYTES,
                (long) (page - first) * MemoryRegion.PAGE_BYTES));
      }
    }
  }

  private static boolean isZero(MemorySegment backing, int pageIndex) {
    long from = (long) pageIndex * MemoryRegion.PAGE_BYTES;
    for (long at = from; at < from + MemoryRegion.PAGE_BYTES; at += Long.BYTES) {
      if (backing.get(U64, at) != 0) {
        return false;
      }
    }
    return true;
  }

  private List<Section> sections() {
    if (file.byteSize() < HEADER_BYTES || file.get(U64, 0) != MAGIC) {
      throw refused("it does not begin with HERECKPT");
    }
    if (file.get(U32, 8) != VERSION) {
      throw refused(
          "its version is %d, this program reads %d".formatted(file.get(U32, 8), VERSION));
    }
    List<Section> sections = new ArrayList<>();
    long at = HEADER_BYTES;
    while (true) {
      if (file.byteSize() - at < SECTION_HEADER_BYTES + Integer.BYTES) {
        throw refused("it ends at octet %d, before its end section".formatted(file.byteSize()));
      }
      int type = file.get(U32, at);
      int parameter = file.get(U32, at + 4);
      long lengthBytes = file.get(U64, at + 8);
      if (lengthBytes < 0
          || lengthBytes > file.byteSize() - at - SECTION_HEADER_BYTES - Integer.BYTES) {
        throw refused(
            "section %d at octet %d has length %d, past the end".formatted(type, at, lengthBytes));
      }
      if (type != SECTION_STATE
          && type != SECTION_REPORT
          && type != SECTION_PAGES
          && type != SECTION_END) {
        throw refused("section type %d at octet %d is unknown".formatted(type, at));
      }
      long end = at + SECTION_HEADER_BYTES + lengthBytes;
      int crc = SectionWriter.crc(file.asSlice(at, end - at));
      if (crc != file.get(U32, end)) {
        throw refused("the checksum of the section at octet %d does not match".formatted(at));
      }
      if (type == SECTION_END) {
        return sections;
      }
      sections.add(new Section(type, parameter, at + SECTION_HEADER_BYTES, lengthBytes));
      at = end + Integer.BYTES;
    }
  }

  private void checkPages() {
    for (Section section : pages) {
      long first = Integer.toUnsignedLong(section.parameter);
      if (section.lengthBytes % MemoryRegion.PAGE_BYTES != 0
          || section.lengthBytes > (long) MAX_RUN_PAGES * MemoryRegion.PAGE_BYTES
          || first + section.lengthBytes / MemoryRegion.PAGE_BYTES > state.memory().pageCount()) {
        throw refused(
            "pages from %d on, %d octets, do not lie in a memory of %d pages"
                .formatted(first, section.lengthBytes, state.memory().pageCount()));
      }
    }
  }

  private byte[] octets(Section section) {
    if (section.lengthBytes > MachineStateCodec.MAX_STATE_BYTES) {
      throw refused("section %d has %d octets".formatted(section.type, section.lengthBytes));
    }
    return file.asSlice(section.offset, section.lengthBytes).toArray(ValueLayout.JAVA_BYTE);
  }

  private StateFormatException refused(String why) {
    return new StateFormatException(path + " is not a usable checkpoint file: " + why);
  }

  @Override
  public void close() {
    arena.close();
  }

  /** Writes sections with their checksums. */
  private record SectionWriter(FileChannel channel) {
    void header(long magic, int version) throws IOException {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment header = arena.allocate(HEADER_BYTES);
        header.set(U64, 0, magic);
        header.set(U32, 8, version);
        writeAll(header);
      }
    }

    void section(int type, int parameter, byte[] octets) throws IOException {
      section(type, parameter, MemorySegment.ofArray(octets));
    }

    void section(int type, int parameter, MemorySegment payload) throws IOException {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment header = arena.allocate(SECTION_HEADER_BYTES);
        header.set(U32, 0, type);
        header.set(U32, 4, parameter);
        header.set(U64, 8, payload.byteSize());
        CRC32C crc = new CRC32C();
        crc.update(header.asByteBuffer());
        crc.update(payload.asByteBuffer());
        MemorySegment trailer = arena.allocate(U32);
        trailer.set(U32, 0, (int) crc.getValue());
        writeAll(header);
        writeAll(payload);
        writeAll(trailer);
      }
    }

    static int crc(MemorySegment octets) {
      CRC32C crc = new CRC32C();
      crc.update(octets.asByteBuffer());
      return (int) crc.getValue();
    }

    private void writeAll(MemorySegment octets) throws IOException {
      var buffer = octets.asByteBuffer();
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    }
  }
}

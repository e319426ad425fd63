package dev.here.formats.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Reads the content of RAM sections (docs/specs/qemu-stream.md, "RAM sections"). Holds the block
 * list and the block named last, which QEMU refers to for the whole life of a connection. Flag
 * values: QEMU's migration/ram.c.
 */
final class RamPages {
  private static final int FLAG_ZERO = 0x02;
  private static final int FLAG_MEM_SIZE = 0x04;
  private static final int FLAG_PAGE = 0x08;
  private static final int FLAG_END = 0x10;
  private static final int FLAG_CONTINUE = 0x20;
  private static final int FLAG_XBZRLE = 0x40;
  private static final int FLAG_HOOK = 0x80;
  private static final int FLAG_COMPRESSED = 0x100;
  private static final long FLAGS = 0xfff;

  private static final int MAX_BLOCKS = 512;
  private static final long MAX_TOTAL_BYTES = 1L << 46;

  private final StreamInput in;
  private List<RamBlock> blocks = List.of();
  private byte[][] names = new byte[0][];
  private int last = -1;
  private long pages;
  private long zeroPages;

  RamPages(StreamInput in) {
    this.in = in;
  }

  List<RamBlock> blocks() {
    return blocks;
  }

  /** Pages with content since the last call of {@link #restart}. */
  long pages() {
    return pages;
  }

  /** Zero pages since the last call of {@link #restart}. */
  long zeroPages() {
    return zeroPages;
  }

  void restart() {
    pages = 0;
    zeroPages = 0;
  }

  /** The block list of the section that starts RAM, up to its end mark. */
  void readBlocks(boolean withAddresses) throws IOException {
    long at = in.position();
    long word = in.i64();
    if ((word & FLAGS) != FLAG_MEM_SIZE) {
      throw new QemuStreamException(
          at, "the RAM start section begins with flags " + hex(word & FLAGS) + ", not 0x4");
    }
    long total = word & ~FLAGS;
    if (total <= 0 || total > MAX_TOTAL_BYTES) {
      throw new QemuStreamException(at, "the RAM blocks' total size " + hex(total) + " is absurd");
    }
    var found = new ArrayList<RamBlock>();
    Set<String> seen = new HashSet<>();
    long sum = 0;
    while (sum < total) {
      RamBlock block = readBlock(found.size(), sum, total - sum, withAddresses);
      if (!seen.add(block.name())) {
        throw new QemuStreamException(
            in.position(), "RAM block '" + block.name() + "' comes twice");
      }
      sum += block.sizeBytes();
      found.add(block);
    }
    blocks = List.copyOf(found);
    names = new byte[blocks.size()][];
    for (int i = 0; i < names.length; i++) {
      names[i] = blocks.get(i).name().getBytes(StandardCharsets.ISO_8859_1);
    }
    at = in.position();
    word = in.i64();
    if (word != FLAG_END) {
      throw new QemuStreamException(at, "the RAM block list ends with " + hex(word) + ", not 0x10");
    }
  }

  private RamBlock readBlock(int index, long offset, long left, boolean withAddresses)
      throws IOException {
    long at = in.position();
    if (index == MAX_BLOCKS) {
      throw new QemuStreamException(at, "more than " + MAX_BLOCKS + " RAM blocks");
    }
    String name = in.counted8();
    long size = in.i64();
    if (size <= 0 || size > left || size % RamSink.PAGE_BYTES != 0) {
      throw new QemuStreamException(
          at,
          "RAM block '"
              + printable(name)
              + "' has size "
              + hex(size)
              + "; expected a multiple of 4096 up to the "
              + hex(left)
              + " that remain of the announced total");
    }
    OptionalLong gpa = withAddresses ? OptionalLong.of(in.i64()) : OptionalLong.empty();
    return new RamBlock(index, name, size, offset, gpa);
  }

  /** The pages of one part or end section, up to its end mark. */
  void readPages(RamSink sink) throws IOException {
    while (true) {
      long at = in.position();
      long word = in.i64();
      int flags = (int) (word & FLAGS);
      long offset = word & ~FLAGS;
      switch (flags & ~FLAG_CONTINUE) {
        case FLAG_END -> {
          return;
        }
        case FLAG_PAGE -> {
          int block = block(flags, offset, at);
          in.require(RamSink.PAGE_BYTES);
          int start = in.take(RamSink.PAGE_BYTES);
          sink.page(block, offset, in.segment(), start);
          pages++;
        }
        case FLAG_ZERO -> {
          int block = block(flags, offset, at);
          int fill = in.u8();
          if (fill != 0) {
            throw new QemuStreamException(
                at, "a page filled with byte " + hex(fill) + "; only zero pages exist");
          }
          sink.zeroPage(block, offset);
          zeroPages++;
        }
        default -> throw unsupported(flags, at);
      }
    }
  }

  private int block(int flags, long offset, long at) throws IOException {
    if ((flags & FLAG_CONTINUE) == 0) {
      last = named(at);
    } else if (last < 0) {
      throw new QemuStreamException(at, "a page of 'the same block' before any block was named");
    }
    long size = blocks.get(last).sizeBytes();
    if (offset < 0 || offset >= size) {
      throw new QemuStreamException(
          at,
          "a page at offset "
              + hex(offset)
              + " of RAM block '"
              + blocks.get(last).name()
              + "', which has "
              + hex(size)
              + " bytes");
    }
    return last;
  }

  private int named(long at) throws IOException {
    int length = in.u8();
    for (int i = 0; i < names.length; i++) {
      if (names[i].length == length && in.takeIfEqual(names[i])) {
        return i;
      }
    }
    byte[] name = new byte[length];
    in.bytes(name, 0, length);
    throw new QemuStreamException(
        at,
        "a page of RAM block '"
            + printable(new String(name, StandardCharsets.ISO_8859_1))
            + "', which was not announced");
  }

  private static QemuStreamException unsupported(int flags, long at) {
    String what =
        switch (flags & ~FLAG_CONTINUE) {
          case FLAG_XBZRLE -> "XBZRLE-coded (switch off the migration capability 'xbzrle')";
          case FLAG_COMPRESSED -> "compressed (switch off the migration capability 'compress')";
          case FLAG_HOOK -> "sent over RDMA (use a Unix or TCP socket)";
          default -> "of a kind that is not known (multifd and postcopy must be off)";
        };
    return new QemuStreamException(at, "RAM page with flags " + hex(flags) + " is " + what);
  }

  static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }

  /** Text of a hostile sender, made fit for a message. */
  static String printable(String text) {
    var out = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), 80); i++) {
      char c = text.charAt(i);
      out.append(c >= 0x20 && c < 0x7f ? c : '?');
    }
    return text.length() > 80 ? out.append("...").toString() : out.toString();
  }
}

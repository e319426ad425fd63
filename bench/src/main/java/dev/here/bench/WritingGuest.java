package dev.here.bench;

import static dev.here.testkit.X64Code.Condition.EQUAL;
import static dev.here.testkit.X64Code.Condition.NOT_EQUAL;
import static dev.here.testkit.X64Code.R11;
import static dev.here.testkit.X64Code.R12;
import static dev.here.testkit.X64Code.R13;
import static dev.here.testkit.X64Code.R14;
import static dev.here.testkit.X64Code.R8;
import static dev.here.testkit.X64Code.R9;
import static dev.here.testkit.X64Code.RAX;
import static dev.here.testkit.X64Code.RBP;
import static dev.here.testkit.X64Code.RBX;
import static dev.here.testkit.X64Code.RCX;
import static dev.here.testkit.X64Code.RDI;
import static dev.here.testkit.X64Code.RDX;

import dev.here.machine.MemoryRegion;
import dev.here.testkit.BareMetalImage;
import dev.here.testkit.X64Code;
import dev.here.vmm.BareMetalStart;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A bare-metal guest with one vCPU that writes the pages it is told to, when it is told to: it
 * polls a word of its memory for the number of a round, writes words that it never wrote before,
 * and answers with the round's number.
 *
 * <pre>
 *   0x00000  {@link BareMetalImage}
 *   0x80000  control page, 64-bit words:
 *              +0x00 round (by the host)    +0x08 pages      +0x10 page step in bytes
 *              +0x18 words a page           +0x20 word step in bytes
 *              +0x28 round that is done (by the guest)
 *   0x100000 memory that it writes, pseudo-random from the start, every MiB alike
 * </pre>
 *
 * A round of no pages lets the vCPU rest for ever, with interrupts off.
 */
final class WritingGuest {
  private static final long CONTROL_GPA = BareMetalImage.FREE_GPA;
  private static final long MEMORY_GPA = 0x100000;
  private static final int PAGE = MemoryRegion.PAGE_BYTES;
  private static final int ROUND = 0x00;
  private static final int PAGES = 0x08;
  private static final int PAGE_STEP = 0x10;
  private static final int WORDS = 0x18;
  private static final int WORD_STEP = 0x20;
  private static final int DONE = 0x28;
  private static final long SEED = 0x2545f4914f6cdd1dL;
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;
  private static final long PATIENCE_NANOS = 60_000_000_000L;
  private static final int PATTERN_BYTES = 1 << 20;
  private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
  private static final BareMetalImage IMAGE = BareMetalImage.of(program());

  /** Distance of the pages that are written: each is alone between two clean ones. */
  static final int STRIDE_PAGES = 3;

  /**
   * What is written to a page.
   *
   * @param words 64-bit words with new values, steps of a Weyl sequence
   * @param stepBytes their distance
   */
  record Pattern(int words, int stepBytes) {
    /** One word. */
    static final Pattern WORD = new Pattern(1, Long.BYTES);

    /** One word in each cache line: an eighth of the page's octets, all of its lines. */
    static final Pattern LINES = new Pattern(PAGE / 64, 64);

    /** Every word: nothing can be left out and nothing be compressed. */
    static final Pattern WHOLE = new Pattern(PAGE / Long.BYTES, Long.BYTES);
  }

  private final long ramBytes;
  private long round;

  /**
   * @param ramBytes a multiple of 4096, at least 2 MiB
   */
  WritingGuest(long ramBytes) {
    this.ramBytes = ramBytes;
  }

  /** The machine in which it begins. */
  BareMetalMachine machine() {
    BareMetalStart.Entry entry =
        new BareMetalStart.Entry(IMAGE.gpa("start"), BareMetalImage.stackTopGpa(0), CONTROL_GPA);
    return BareMetalMachine.of("writing", ramBytes, List.of(entry));
  }

  /** Writes the whole guest into {@code ram}, which is all zeros and begins at gpa 0. */
  void writeTo(MemorySegment ram) {
    IMAGE.writeTo(ram);
    SplittableRandom random = new SplittableRandom(SEED);
    byte[] octets = new byte[PATTERN_BYTES];
    random.nextBytes(octets);
    MemorySegment pattern = MemorySegment.ofArray(octets);
    for (long gpa = MEMORY_GPA; gpa < ramBytes; gpa += PATTERN_BYTES) {
      long length = Math.min(PATTERN_BYTES, ramBytes - gpa);
      MemorySegment.copy(pattern, 0, ram, gpa, length);
    }
  }

  /** Place in RAM of the {@code number}-th page that a round writes. */
  static long pageGpa(int number) {
    return MEMORY_GPA + (long) number * STRIDE_PAGES * PAGE;
  }

  /** Lets the running guest write {@code pages} pages and waits until it has. */
  void write(MemorySegment ram, int pages, Pattern pattern) {
    if (pages < 1 || pageGpa(pages - 1) + PAGE > ramBytes) {
      throw new IllegalArgumentException(
          "%d pages in a guest of %d octets".formatted(pages, ramBytes));
    }
    tell(ram, pages, pattern);
  }

  /** Lets the guest rest for ever. */
  void rest(MemorySegment ram) {
    tell(ram, 0, Pattern.LINES);
  }

  private void tell(MemorySegment ram, int pages, Pattern pattern) {
    round++;
    ram.set(ValueLayout.JAVA_LONG, CONTROL_GPA + PAGES, pages);
    ram.set(ValueLayout.JAVA_LONG, CONTROL_GPA + PAGE_STEP, STRIDE_PAGES * (long) PAGE);
    ram.set(ValueLayout.JAVA_LONG, CONTROL_GPA + WORDS, pattern.words());
    ram.set(ValueLayout.JAVA_LONG, CONTROL_GPA + WORD_STEP, pattern.stepBytes());
    WORD.setRelease(ram, CONTROL_GPA + ROUND, round);
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while ((long) WORD.getAcquire(ram, CONTROL_GPA + DONE) != round) {
      if (System.nanoTime() > deadline) {
        throw new BenchException(
            "the guest has not written %d pages within %d s"
                .formatted(pages, PATIENCE_NANOS / 1_000_000_000));
      }
      Rest.nanos(50_000);
    }
  }

  /**
   * The program. RDI control page, R12 last round; RBX page, RBP pages left, RDX word, RCX words
   * left; R8 value and R9 its step. A word takes five instructions: a KVM without hardware below it
   * emulates them, at about a microsecond each.
   */
  private static X64Code program() {
    X64Code code = new X64Code();
    code.label("start").move(R12, 0).move(R8, SEED).move(R9, GOLDEN).jump("look");
    code.label("wait").pause();
    code.label("look").load(RAX, RDI, ROUND).compare(RAX, R12).jump(EQUAL, "wait");
    code.copy(R12, RAX).load(RBP, RDI, PAGES).compareImmediate(RBP, 0).jump(EQUAL, "rest");
    code.load(R14, RDI, PAGE_STEP).load(R11, RDI, WORDS).load(R13, RDI, WORD_STEP);
    code.move(RBX, MEMORY_GPA);
    code.label("page").copy(RDX, RBX).copy(RCX, R11);
    code.label("word").store(RDX, 0, R8).add(R8, R9).add(RDX, R13);
    code.addImmediate(RCX, -1).jump(NOT_EQUAL, "word");
    code.add(RBX, R14).addImmediate(RBP, -1).jump(NOT_EQUAL, "page");
    code.store(RDI, DONE, R12).jump("wait");
    code.label("rest").store(RDI, DONE, R12);
    return code.label("stop").disableInterrupts().halt().jump("stop");
  }
}

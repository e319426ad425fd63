package dev.here.testkit;

import static dev.here.testkit.X64Code.Condition.BELOW;
import static dev.here.testkit.X64Code.Condition.EQUAL;
import static dev.here.testkit.X64Code.Condition.NOT_EQUAL;
import static dev.here.testkit.X64Code.R10;
import static dev.here.testkit.X64Code.R12;
import static dev.here.testkit.X64Code.R14;
import static dev.here.testkit.X64Code.R15;
import static dev.here.testkit.X64Code.R8;
import static dev.here.testkit.X64Code.R9;
import static dev.here.testkit.X64Code.RAX;
import static dev.here.testkit.X64Code.RBP;
import static dev.here.testkit.X64Code.RBX;
import static dev.here.testkit.X64Code.RCX;
import static dev.here.testkit.X64Code.RDI;
import static dev.here.testkit.X64Code.RDX;
import static dev.here.testkit.X64Code.RSI;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A bare-metal guest that notices by itself when its memory or registers were lost, torn or mixed
 * from two checkpoints.
 *
 * <p>Each vCPU owns a region of words, {@code strideBytes} apart. In generation g word i holds
 * element i of a xorshift sequence that starts from {@code seed + g * GOLDEN}. The vCPU goes
 * through its region again and again: it checks each word against generation g, writes that of g +
 * 1 and counts the step in memory and in a register. After each generation it compares both counts,
 * writes the generation's number (from 1) to its port {@link #numberPort} with OUT of 32 bits, and
 * pauses. A mismatch is written to its control page and to {@link #ERROR_PORT}; then the vCPU
 * stands still for ever.
 *
 * <pre>
 *   0x00000          {@link BareMetalImage}
 *   0x80000 + v*4096 control page of vCPU v, 64-bit words:
 *                      +0x00 gpa of the region   +0x08 words      +0x10 stride in bytes
 *                      +0x18 seed                +0x20 port       +0x28 pace (PAUSE loops)
 *                      +0x30 steps: words written so far; generation = steps / words
 *                      +0x38 error (0 none, 1 word differs, 2 register and memory differ)
 *                      +0x40 gpa of the wrong word  +0x48 found  +0x50 expected
 *   0x100000         regions, one behind the other
 * </pre>
 *
 * <p>All that a vCPU needs at its start is in {@link #start}.
 */
public final class SelfCheckingGuest {
  /** A vCPU writes its error (1 or 2) here with OUT of 32 bits. */
  public static final int ERROR_PORT = 0xf0;

  private static final int NUMBER_PORT = 0xe0;
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;
  private static final long CONTROL_GPA = BareMetalImage.FREE_GPA;
  private static final long REGIONS_GPA = 0x100000;
  private static final long PAGE_BYTES = 4096;
  private static final int MAX_VCPUS = 4;
  private static final int REGION = 0x00;
  private static final int WORDS = 0x08;
  private static final int STRIDE = 0x10;
  private static final int SEED = 0x18;
  private static final int PORT = 0x20;
  private static final int PACE = 0x28;
  private static final int STEPS = 0x30;
  private static final int ERROR = 0x38;
  private static final int ERROR_GPA = 0x40;
  private static final int FOUND = 0x48;
  private static final int EXPECTED = 0x50;

  private static final BareMetalImage IMAGE = BareMetalImage.of(program());

  private final int vcpus;
  private final long regionBytes;
  private final int strideBytes;
  private final long seed;
  private final int pace;

  private SelfCheckingGuest(int vcpus, long regionBytes, int strideBytes, long seed, int pace) {
    this.vcpus = vcpus;
    this.regionBytes = regionBytes;
    this.strideBytes = strideBytes;
    this.seed = seed;
    this.pace = pace;
  }

  /**
   * Describes a guest.
   *
   * @param vcpus 1 to 4
   * @param regionBytes of each vCPU, a multiple of 4096
   * @param strideBytes 8 to 4096, a power of two: distance of the words that are checked and
   *     written
   * @param pace PAUSE loops between generations, 0 for none
   */
  public static SelfCheckingGuest of(
      int vcpus, long regionBytes, int strideBytes, long seed, int pace) {
    if (vcpus < 1 || vcpus > MAX_VCPUS || regionBytes <= 0 || regionBytes % PAGE_BYTES != 0) {
      throw new IllegalArgumentException(
          "%d vCPUs with regions of %d bytes".formatted(vcpus, regionBytes));
    }
    if (Integer.bitCount(strideBytes) != 1 || strideBytes < 8 || strideBytes > PAGE_BYTES) {
      throw new IllegalArgumentException("a stride of " + strideBytes + " bytes");
    }
    return new SelfCheckingGuest(vcpus, regionBytes, strideBytes, seed, pace);
  }

  /**
   * Where a vCPU starts: 64-bit mode of ring 0 with paging on, interrupts off.
   *
   * @param rdi argument in RDI
   */
  public record Start(long rip, long rsp, long rdi, long cr3) {}

  /** The state in which a vCPU starts; GDT and IDT are those of {@link BareMetalImage}. */
  public Start start(int vcpu) {
    return new Start(
        IMAGE.gpa("start"),
        BareMetalImage.stackTopGpa(vcpu),
        controlGpa(vcpu),
        BareMetalImage.PML4_GPA);
  }

  public int vcpus() {
    return vcpus;
  }

  /** RAM that it needs from gpa 0 on. */
  public long ramBytes() {
    return REGIONS_GPA + vcpus * regionBytes;
  }

  /** The port to which a vCPU writes its generations. */
  public static int numberPort(int vcpu) {
    return NUMBER_PORT + 4 * vcpu;
  }

  private static long controlGpa(int vcpu) {
    return CONTROL_GPA + vcpu * PAGE_BYTES;
  }

  private long regionGpa(int vcpu) {
    return REGIONS_GPA + vcpu * regionBytes;
  }

  private long words() {
    return regionBytes / strideBytes;
  }

  private long seed(int vcpu) {
    return seed + vcpu * 0x5851f42d4c957f2dL;
  }

  /** Writes the whole guest in its first generation; {@code ram} begins at gpa 0. */
  public void writeTo(MemorySegment ram) {
    if (ram.byteSize() < ramBytes()) {
      throw new IllegalArgumentException(
          "RAM of %d bytes, the guest needs %d".formatted(ram.byteSize(), ramBytes()));
    }
    IMAGE.writeTo(ram);
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
      long control = controlGpa(vcpu);
      put(ram, control + REGION, regionGpa(vcpu));
      put(ram, control + WORDS, words());
      put(ram, control + STRIDE, strideBytes);
      put(ram, control + SEED, seed(vcpu));
      put(ram, control + PORT, numberPort(vcpu));
      put(ram, control + PACE, pace);
      put(ram, control + STEPS, 0);
      put(ram, control + ERROR, 0);
      long element = seed(vcpu);
      for (long i = 0; i < words(); i++) {
        element = next(element);
        put(ram, regionGpa(vcpu) + i * strideBytes, element);
      }
    }
  }

  /** How many generations a vCPU has completed. */
  public long generation(MemorySegment ram, int vcpu) {
    return get(ram, controlGpa(vcpu) + STEPS) / words();
  }

  /**
   * Checks a memory image of one instant (the guest stopped, or a committed replica).
   *
   * @return what is wrong, one line each; empty when every word is right
   */
  public List<String> verify(MemorySegment ram) {
    List<String> wrong = new ArrayList<>();
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
      ownError(ram, vcpu).ifPresent(wrong::add);
      verifyRegion(ram, vcpu).ifPresent(wrong::add);
    }
    return wrong;
  }

  private static Optional<String> ownError(MemorySegment ram, int vcpu) {
    long control = controlGpa(vcpu);
    long error = get(ram, control + ERROR);
    return error == 0
        ? Optional.empty()
        : Optional.of(
            "vCPU %d reports error %d at gpa 0x%x: found 0x%x, expected 0x%x"
                .formatted(
                    vcpu,
                    error,
                    get(ram, control + ERROR_GPA),
                    get(ram, control + FOUND),
                    get(ram, control + EXPECTED)));
  }

  private Optional<String> verifyRegion(MemorySegment ram, int vcpu) {
    long steps = get(ram, controlGpa(vcpu) + STEPS);
    long generation = steps / words();
    long index = steps % words();
    long older = seed(vcpu) + generation * GOLDEN;
    long newer = older + GOLDEN;
    for (long i = 0; i < words(); i++) {
      older = next(older);
      newer = next(newer);
      long gpa = regionGpa(vcpu) + i * strideBytes;
      long found = get(ram, gpa);
      // Between the store of a word and the count of the step, the word at the index is new
      // already.
      boolean right = i < index ? found == newer : found == older || i == index && found == newer;
      if (!right) {
        return Optional.of(
            "vCPU %d, generation %d, step %d of %d: word %d at gpa 0x%x is 0x%x"
                .formatted(vcpu, generation, index, words(), i, gpa, found));
      }
    }
    return Optional.empty();
  }

  private static long next(long element) {
    long x = element;
    x ^= x << 13;
    x ^= x >>> 7;
    return x ^ x << 17;
  }

  /**
   * The program. RDI control page, RBX region, RBP words, R14 stride; R10 steps, R12 generation,
   * R15 start of the generation's sequence; R8 and R9 elements of this and the next generation; RSI
   * index, RDX address.
   */
  private static X64Code program() {
    X64Code code = new X64Code();
    code.label("start").load(RBX, RDI, REGION).load(RBP, RDI, WORDS).load(R14, RDI, STRIDE);
    code.load(R15, RDI, SEED).move(R10, 0).move(R12, 0);

    code.label("generation").load(RAX, RDI, STEPS).compare(RAX, R10).jump(NOT_EQUAL, "torn");
    code.copy(R8, R15).move(RAX, GOLDEN).add(R15, RAX).copy(R9, R15);
    code.move(RSI, 0).copy(RDX, RBX);

    code.label("word");
    xorshift(code, R8);
    xorshift(code, R9);
    code.load(RAX, RDX, 0).compare(RAX, R8).jump(NOT_EQUAL, "corrupt");
    code.store(RDX, 0, R9).add(RDX, R14).addImmediate(RSI, 1);
    code.addImmediate(R10, 1).store(RDI, STEPS, R10);
    code.compare(RSI, RBP).jump(BELOW, "word");

    code.addImmediate(R12, 1).copy(RAX, R12).load(RDX, RDI, PORT).out32ToDx();
    code.load(RCX, RDI, PACE);
    code.label("pace").compareImmediate(RCX, 0).jump(EQUAL, "generation");
    code.pause().addImmediate(RCX, -1).jump("pace");

    code.label("corrupt").store(RDI, FOUND, RAX).store(RDI, EXPECTED, R8);
    code.store(RDI, ERROR_GPA, RDX).move(RAX, 1).jump("fail");
    code.label("torn").store(RDI, FOUND, RAX).store(RDI, EXPECTED, R10).move(RAX, 2);
    code.label("fail").store(RDI, ERROR, RAX).out32(ERROR_PORT);
    return code.label("stop").disableInterrupts().halt().jump("stop");
  }

  private static void xorshift(X64Code code, int register) {
    code.copy(RAX, register).shiftLeft(RAX, 13).xor(register, RAX);
    code.copy(RAX, register).shiftRight(RAX, 7).xor(register, RAX);
    code.copy(RAX, register).shiftLeft(RAX, 17).xor(register, RAX);
  }

  private static long get(MemorySegment ram, long gpa) {
    return ram.get(JAVA_LONG_UNALIGNED, gpa);
  }

  private static void put(MemorySegment ram, long gpa, long value) {
    ram.set(JAVA_LONG_UNALIGNED, gpa, value);
  }
}

package dev.here.kvm;

import static dev.here.testkit.X64Code.Condition.BELOW;
import static dev.here.testkit.X64Code.RDI;
import static dev.here.testkit.X64Code.RDX;
import static dev.here.testkit.X64Code.RSI;
import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.BareMetalImage;
import dev.here.testkit.X64Code;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DirtyPagesTest {
  private static final long RAM_BYTES = 64 << 20;
  private static final int PAGES = (int) (RAM_BYTES >> 12);
  private static final long LIST_GPA = 0x100000;
  private static final int FIRST_FREE_PAGE = 0x800;
  private static final int DONE_PORT = 0x10;

  /** Increments the first word of each page whose gpa stands in the list from RDI to RSI. */
  private static final BareMetalImage TOUCH_LISTED =
      BareMetalImage.of(
          new X64Code()
              .label("start")
              .load(RDX, RDI, 0)
              .increment(RDX, 0)
              .addImmediate(RDI, 8)
              .compare(RDI, RSI)
              .jump(BELOW, "start")
              .outByte(DONE_PORT)
              .halt());

  @BeforeAll
  static void needsKvm() {
    TestVm.assumeKvm();
  }

  @Test
  void bitmapNamesExactlyTheWrittenPages() {
    try (TestVm test = new TestVm(RAM_BYTES);
        Arena arena = Arena.ofConfined()) {
      test.mapRam(KvmVm.LOG_DIRTY_PAGES);
      MemorySegment bitmap = arena.allocate(KvmVm.dirtyBitmapBytes(RAM_BYTES), 8);
      SplittableRandom random = new SplittableRandom(1);
      BitSet wanted = prepare(test, random, 3000);
      KvmVcpu vcpu = start(test, wanted.cardinality());
      assertThat(TestVm.runPastSignals(vcpu)).isEqualTo(KvmExit.KVM_EXIT_IO);
      assertThat(vcpu.exit().ioPort()).isEqualTo(DONE_PORT);
      test.vm.dirtyLog(TestVm.SLOT, bitmap);
      assertThat(BitSet.valueOf(bitmap.asByteBuffer().order(java.nio.ByteOrder.nativeOrder())))
          .isEqualTo(wanted);
      test.vm.dirtyLog(TestVm.SLOT, bitmap);
      assertThat(BitSet.valueOf(bitmap.asByteBuffer())).isEqualTo(new BitSet());
    }
  }

  private static KvmVcpu start(TestVm test, int pages) {
    return test.start(TOUCH_LISTED.gpa("start"), LIST_GPA, LIST_GPA + 8L * pages, 0);
  }

  private static BitSet prepare(TestVm test, SplittableRandom random, int pages) {
    TOUCH_LISTED.writeTo(test.memory());
    BitSet chosen = new BitSet();
    while (chosen.cardinality() < pages) {
      chosen.set(random.nextInt(FIRST_FREE_PAGE, PAGES));
    }
    long at = LIST_GPA;
    for (int page : chosen.stream().toArray()) {
      test.memory().set(ValueLayout.JAVA_LONG, at, (long) page << 12);
      at += 8;
    }
    return chosen;
  }
}

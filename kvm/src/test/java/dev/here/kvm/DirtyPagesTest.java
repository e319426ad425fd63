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
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
      assertThat(bits(bitmap)).isEqualTo(wanted);
      test.vm.dirtyLog(TestVm.SLOT, bitmap);
      assertThat(bits(bitmap)).isEqualTo(new BitSet());
    }
  }

  @Test
  void manualProtectionKeepsWhatIsNotCleared() {
    TestVm.assume(KvmCapability.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
    try (TestVm test = new TestVm(RAM_BYTES);
        Arena arena = Arena.ofConfined()) {
      test.vm.enableManualDirtyLog(true);
      test.mapRam(KvmVm.LOG_DIRTY_PAGES);
      MemorySegment bitmap = arena.allocate(KvmVm.dirtyBitmapBytes(RAM_BYTES), 8);
      test.vm.dirtyLog(TestVm.SLOT, bitmap);
      assertThat(bits(bitmap).cardinality()).isEqualTo(PAGES);
      test.vm.clearDirtyLog(TestVm.SLOT, 0, PAGES, bitmap);
      BitSet wanted = prepare(test, new SplittableRandom(2), 2000);
      KvmVcpu vcpu = start(test, wanted.cardinality());
      assertThat(TestVm.runPastSignals(vcpu)).isEqualTo(KvmExit.KVM_EXIT_IO);
      for (int reading = 0; reading < 2; reading++) {
        test.vm.dirtyLog(TestVm.SLOT, bitmap);
        assertThat(bits(bitmap)).isEqualTo(wanted);
      }
      test.vm.clearDirtyLog(TestVm.SLOT, 0, PAGES / 2, bitmap);
      wanted.clear(0, PAGES / 2);
      test.vm.dirtyLog(TestVm.SLOT, bitmap);
      assertThat(bits(bitmap)).isEqualTo(wanted);
    }
  }

  @Test
  void twoVcpusAreOneBitmap() throws Exception {
    try (TestVm test = new TestVm(RAM_BYTES);
        Arena arena = Arena.ofConfined()) {
      test.mapRam(KvmVm.LOG_DIRTY_PAGES);
      MemorySegment bitmap = arena.allocate(KvmVm.dirtyBitmapBytes(RAM_BYTES), 8);
      BitSet wanted = prepare(test, new SplittableRandom(3), 2000);
      long start = TOUCH_LISTED.gpa("start");
      KvmVcpu one = test.start(start, LIST_GPA, LIST_GPA + 8 * 1000, 0);
      KvmVcpu two = test.start(start, LIST_GPA + 8 * 1000, LIST_GPA + 8 * 2000, 0);
      CompletableFuture<Integer> other = new CompletableFuture<>();
      Thread thread = Thread.ofPlatform().start(() -> other.complete(TestVm.runPastSignals(two)));
      assertThat(TestVm.runPastSignals(one)).isEqualTo(KvmExit.KVM_EXIT_IO);
      assertThat(other.get()).isEqualTo(KvmExit.KVM_EXIT_IO);
      thread.join();
      test.vm.dirtyLog(TestVm.SLOT, bitmap);
      assertThat(bits(bitmap)).isEqualTo(wanted);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {65536, 1 << 20})
  void ringNamesExactlyTheWrittenPages(int ringBytes) {
    TestVm.assume(KvmCapability.KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
    try (TestVm test = new TestVm(RAM_BYTES)) {
      test.vm.enableDirtyRing(ringBytes);
      test.mapRam(KvmVm.LOG_DIRTY_PAGES);
      BitSet wanted = prepare(test, new SplittableRandom(4), 3000);
      KvmVcpu vcpu = start(test, wanted.cardinality());
      BitSet found = new BitSet();
      try (DirtyRing ring = vcpu.dirtyRing(ringBytes)) {
        int reason;
        do {
          reason = TestVm.runPastSignals(vcpu);
          int harvested =
              ring.harvest((slot, page) -> {
                assertThat(slot).isEqualTo(TestVm.SLOT);
                found.set((int) page);
              });
          assertThat(harvested).as(vcpu.exit().describe()).isPositive();
          test.vm.resetDirtyRings();
        } while (reason == KvmExit.KVM_EXIT_DIRTY_RING_FULL);
        assertThat(reason).isEqualTo(KvmExit.KVM_EXIT_IO);
        assertThat(ring.harvest((slot, page) -> {})).isZero();
      }
      assertThat(found).isEqualTo(wanted);
    }
  }

  @Test
  void writeToReadOnlySlotIsAnMmioExit() {
    try (TestVm test = new TestVm(RAM_BYTES)) {
      long romGpa = 0x8000_0000L;
      test.mapRam(0);
      test.vm.memoryRegion(1, romGpa, 4096, test.ram.hva() + 0x200000, KvmVm.READ_ONLY);
      TOUCH_LISTED.writeTo(test.memory());
      test.memory().set(ValueLayout.JAVA_LONG, 0x200008, 41);
      test.memory().set(ValueLayout.JAVA_LONG, LIST_GPA, romGpa + 8);
      KvmVcpu vcpu = start(test, 1);
      assertThat(TestVm.runPastSignals(vcpu)).isEqualTo(KvmExit.KVM_EXIT_MMIO);
      KvmRun exit = vcpu.exit();
      assertThat(exit.mmioIsWrite()).isTrue();
      assertThat(exit.mmioGpa()).isEqualTo(romGpa + 8);
      assertThat(exit.mmioSizeBytes()).isEqualTo(8);
      assertThat(exit.mmioData()).isEqualTo(42);
      assertThat(TestVm.runPastSignals(vcpu)).isEqualTo(KvmExit.KVM_EXIT_IO);
      assertThat(test.memory().get(ValueLayout.JAVA_LONG, 0x200008)).isEqualTo(41);
    }
  }

  private static BitSet bits(MemorySegment bitmap) {
    return BitSet.valueOf(bitmap.toArray(ValueLayout.JAVA_LONG));
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

package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class NativeFunctionTest {
  private static final Downcall LIBC = Downcall.libc();
  private static final int MAP_SHARED = 1;
  private static final int F_GETFD = 1;
  private static final int FD_CLOEXEC = 1;

  @Test
  void anIntOfMinusOneIsTheNegatedErrno() {
    assertThat(LIBC.function("close").callInt(-1)).isEqualTo(-Errno.EBADF);
    assertThat(LIBC.function("lseek").callLong(-1, 0, 0)).isEqualTo(-Errno.EBADF);
  }

  @Test
  void anotherNegativeIntIsLeftAsItIs() {
    assertThat(LIBC.function("abs").callInt(-7)).isEqualTo(7);
    try (Arena arena = Arena.ofConfined()) {
      long text = NativeFunction.pointer(arena.allocateFrom("-7"));
      assertThat(LIBC.function("atoi").callInt(text)).isEqualTo(-7);
      assertThat(LIBC.function("atoi").value(text, 0, 0)).isEqualTo(-7);
    }
  }

  @Test
  void sixArgumentsArriveAndSixtyFourBitsComeBack() {
    long size = 5L << 32;
    try (FileDescriptor file = MemFile.create("native-function-test", size)) {
      assertThat(LIBC.function("lseek").callLong(file.number(), size, 0)).isEqualTo(size);
      long offset = 4L << 32;
      long mapped =
          LIBC.function("mmap")
              .callLong(
                  0,
                  4096,
                  MappedMemory.PROT_READ | MappedMemory.PROT_WRITE,
                  MAP_SHARED,
                  file.number(),
                  offset);
      assertThat(mapped).isGreaterThan(1L << 32);
      MemorySegment.ofAddress(mapped).reinterpret(4096).setString(0, "written through the mapping");
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment read = arena.allocate(64);
        assertThat(Libc.pread(file.number(), NativeFunction.pointer(read), 64, offset))
            .isEqualTo(64);
        assertThat(read.getString(0)).isEqualTo("written through the mapping");
      }
      assertThat(LIBC.function("munmap").callInt(mapped, 4096)).isZero();
    }
  }

  @Test
  void variadicFunctionsGetTheirArguments() {
    try (FileDescriptor file = MemFile.create("native-function-test", 4096)) {
      NativeFunction fcntl = LIBC.function("fcntl");
      assertThat(fcntl.callInt(file.number(), F_GETFD)).isEqualTo(FD_CLOEXEC);
      int copy = fcntl.callInt(file.number(), Libc.F_DUPFD_CLOEXEC, 300);
      assertThat(copy).isGreaterThanOrEqualTo(300);
      assertThat(LIBC.function("close").callInt(copy)).isZero();
    }
  }

  @Test
  void refusesMemoryThatAFunctionMustNotSee() {
    MemorySegment closed;
    try (Arena arena = Arena.ofConfined()) {
      closed = arena.allocate(8);
    }
    assertThatThrownBy(() -> NativeFunction.pointer(closed))
        .isInstanceOf(IllegalStateException.class);
    MemorySegment heap = MemorySegment.ofArray(new byte[8]);
    assertThatThrownBy(() -> NativeFunction.pointer(heap))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void saysWhichFunctionIsMissing() {
    assertThatThrownBy(() -> LIBC.function("no_such_function"))
        .isInstanceOf(NativeLinkException.class)
        .hasMessageContaining("no_such_function");
  }
}

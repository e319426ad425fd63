package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class DescriptorsTest {
  @Test
  void failedOpenNamesThePathAndTheErrno() {
    assertThatThrownBy(() -> FileDescriptor.open("/no/such/file", Libc.O_RDONLY))
        .isInstanceOfSatisfying(
            NativeException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
        .hasMessage("open /no/such/file: ENOENT");
  }

  @Test
  void closedDescriptorRefusesItsNumber() {
    FileDescriptor descriptor = FileDescriptor.open("/dev/null", Libc.O_RDWR);
    descriptor.close();
    descriptor.close();
    assertThatThrownBy(descriptor::number)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("/dev/null");
  }

  @Test
  void pipeCarriesBytes() {
    FileDescriptor.Pipe pipe = FileDescriptor.pipe();
    try (FileDescriptor reader = pipe.reader();
        FileDescriptor writer = pipe.writer();
        Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocateFrom("hello");
      assertThat(Libc.pollOne(reader.number(), Libc.POLLIN, 0)).isZero();
      assertThat(Libc.write(writer.number(), bytes.address(), 5)).isEqualTo(5);
      assertThat(Libc.pollOne(reader.number(), Libc.POLLIN, 0)).isEqualTo(Libc.POLLIN);
      MemorySegment into = arena.allocate(16);
      assertThat(Libc.read(reader.number(), into.address(), 16)).isEqualTo(5);
      assertThat(into.getString(0)).isEqualTo("hello");
    }
  }

  @Test
  void nonBlockingPipeSaysAgain() {
    FileDescriptor.Pipe pipe = FileDescriptor.pipe();
    try (FileDescriptor reader = pipe.reader();
        FileDescriptor writer = pipe.writer();
        Arena arena = Arena.ofConfined()) {
      reader.nonBlocking(true);
      MemorySegment into = arena.allocate(16);
      assertThat(Libc.read(reader.number(), into.address(), 16)).isEqualTo(-Errno.EAGAIN);
      assertThat(writer.isClosed()).isFalse();
    }
  }

  @Test
  void memFileIsSealedAndShared() {
    try (FileDescriptor file = MemFile.create("test", 1 << 20);
        MappedMemory one = MappedMemory.shared(file, 0, 1 << 20);
        MappedMemory two = MappedMemory.sharedReadOnly(file, 4096, 4096)) {
      one.segment().set(JAVA_LONG, 4096, 42);
      assertThat(two.segment().get(JAVA_LONG, 0)).isEqualTo(42);
      assertThat(Libc.ftruncate(file.number(), 4096)).isEqualTo(-Errno.EPERM);
      MemFile.requireSealed(file, 1 << 20);
      assertThatThrownBy(() -> MemFile.requireSealed(file, 4096))
          .hasMessageContaining("has 1048576 bytes, expected 4096");
    }
  }

  @Test
  void unsealedMemoryIsRefused() {
    FileDescriptor.Pipe pipe = FileDescriptor.pipe();
    try (FileDescriptor reader = pipe.reader();
        FileDescriptor writer = pipe.writer()) {
      assertThatThrownBy(() -> MemFile.requireSealed(reader, 0))
          .isInstanceOf(NativeException.class);
      assertThat(writer.isClosed()).isFalse();
    }
  }

  @Test
  void unmappedMemoryThrowsInsteadOfCrashing() {
    MappedMemory memory = MappedMemory.anonymous(8192);
    MemorySegment segment = memory.segment();
    segment.set(JAVA_BYTE, 8191, (byte) 1);
    assertThatThrownBy(() -> memory.advise(4096, 8192, MappedMemory.MADV_DONTNEED))
        .isInstanceOf(IndexOutOfBoundsException.class);
    memory.advise(4096, 4096, MappedMemory.MADV_DONTNEED);
    assertThat(segment.get(JAVA_BYTE, 8191)).isZero();
    memory.protect(0, 4096, MappedMemory.PROT_READ);
    memory.close();
    memory.close();
    assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void eventCountsSignals() {
    try (EventFd event = EventFd.create()) {
      assertThat(event.drain()).isZero();
      event.signal();
      event.signal();
      assertThat(event.await(1000)).isEqualTo(2);
      assertThat(event.await(0)).isZero();
    }
  }

  @Test
  void epollTellsWhichAreReady() {
    try (EventFd one = EventFd.create();
        EventFd two = EventFd.create();
        Epoll epoll = Epoll.create(8)) {
      epoll.add(one.descriptor(), Epoll.EPOLLIN, 1);
      epoll.add(two.descriptor(), Epoll.EPOLLIN, 2);
      assertThat(epoll.await(0)).isZero();
      two.signal();
      assertThat(epoll.await(1000)).isEqualTo(1);
      assertThat(epoll.token(0)).isEqualTo(2);
      assertThat(epoll.events(0)).isEqualTo(Epoll.EPOLLIN);
      epoll.remove(two.descriptor());
      assertThat(epoll.await(0)).isZero();
    }
  }

  @Test
  void timerFires() {
    try (TimerFd timer = TimerFd.create()) {
      assertThat(timer.drain()).isZero();
      timer.startAt(Clock.MONOTONIC.nanos() + 1_000_000);
      assertThat(Libc.pollOne(timer.descriptor().number(), Libc.POLLIN, 10_000))
          .isEqualTo(Libc.POLLIN);
      assertThat(timer.drain()).isEqualTo(1);
      timer.startAt(Clock.MONOTONIC.nanos() + 3_600_000_000_000L);
      timer.stop();
      assertThat(timer.drain()).isZero();
    }
  }
}

package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
  @TempDir Path folder;

  @Test
  void passesBytesAndDescriptors() {
    UnixSocket.Pair pair = UnixSocket.pair();
    try (UnixSocket one = pair.one();
        UnixSocket other = pair.other();
        FileDescriptor memory = MemFile.create("passed", 4096);
        EventFd event = EventFd.create();
        Arena arena = Arena.ofConfined()) {
      one.send(arena.allocateFrom("header"), memory, event.descriptor());
      MemorySegment into = arena.allocate(64);
      UnixSocket.Received received = other.receive(into, 4);
      assertThat(received.sizeBytes()).isEqualTo(7);
      assertThat(into.getString(0)).isEqualTo("header");
      assertThat(received.descriptors()).hasSize(2);
      try (FileDescriptor arrived = received.descriptors().get(0);
          FileDescriptor arrivedEvent = received.descriptors().get(1);
          MappedMemory here = MappedMemory.shared(memory, 0, 4096);
          MappedMemory there = MappedMemory.shared(arrived, 0, 4096)) {
        MemFile.requireSealed(arrived, 4096);
        here.segment().set(JAVA_LONG, 8, 77);
        assertThat(there.segment().get(JAVA_LONG, 8)).isEqualTo(77);
        event.signal();
        assertThat(Libc.pollOne(arrivedEvent.number(), Libc.POLLIN, 0)).isEqualTo(Libc.POLLIN);
      }
    }
  }

  @Test
  void tooManyDescriptorsAreRefusedAndClosed() {
    UnixSocket.Pair pair = UnixSocket.pair();
    try (UnixSocket one = pair.one();
        UnixSocket other = pair.other();
        EventFd event = EventFd.create();
        Arena arena = Arena.ofConfined()) {
      FileDescriptor[] many = new FileDescriptor[5];
      java.util.Arrays.fill(many, event.descriptor());
      one.send(arena.allocateFrom("x"), many);
      assertThatThrownBy(() -> other.receive(arena.allocate(8), 2))
          .isInstanceOfSatisfying(
              NativeException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EMSGSIZE));
    }
  }

  @Test
  void sendsMoreThanTheBufferHolds() {
    UnixSocket.Pair pair = UnixSocket.pair();
    try (UnixSocket one = pair.one();
        UnixSocket other = pair.other();
        Arena arena = Arena.ofShared()) {
      long size = 4 << 20;
      MemorySegment bytes = arena.allocate(size);
      bytes.set(JAVA_BYTE, size - 1, (byte) 9);
      CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> one.send(bytes));
      MemorySegment into = arena.allocate(size);
      long got = 0;
      while (got < size) {
        got += other.receive(into.asSlice(got));
      }
      sending.join();
      assertThat(into.get(JAVA_BYTE, size - 1)).isEqualTo((byte) 9);
    }
  }

  @Test
  void listenerAcceptsAndKnowsItsPeer() {
    Path path = folder.resolve("control");
    try (UnixListener listener = UnixListener.bind(path);
        UnixSocket client = UnixSocket.connect(path.toString());
        UnixSocket server = listener.accept();
        Arena arena = Arena.ofConfined()) {
      assertThat(server.peer().pid()).isEqualTo(Threads.pid());
      assertThat(server.awaitReadable(0)).isFalse();
      client.shutdown();
      assertThat(server.receive(arena.allocate(8))).isZero();
    }
    assertThat(Files.exists(path)).isFalse();
  }

  @Test
  void stalePathIsTakenOverAndALivingOneIsNot() throws Exception {
    Path path = folder.resolve("control");
    Files.createFile(path);
    try (UnixListener listener = UnixListener.bindOverStale(path)) {
      assertThat(listener.path()).isEqualTo(path);
      assertThatThrownBy(() -> UnixListener.bindOverStale(path))
          .isInstanceOfSatisfying(
              NativeException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE));
    }
  }

  @Test
  void shutdownWakesAWaitingAccept() {
    try (UnixListener listener = UnixListener.bind(folder.resolve("control"))) {
      CompletableFuture<UnixSocket> waiting = CompletableFuture.supplyAsync(listener::accept);
      listener.shutdown();
      assertThatThrownBy(waiting::join).hasCauseInstanceOf(NativeException.class);
    }
  }

  @Test
  void longPathIsRefused() {
    assertThatThrownBy(() -> UnixSocket.connect("/" + "x".repeat(120)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("choose a shorter folder");
  }
}

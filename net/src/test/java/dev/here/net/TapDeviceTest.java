package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.ffi.NativeFunction;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On a real TAP, in a network namespace that belongs to the test's thread and ends with it. */
@Timeout(60)
class TapDeviceTest {
  private static final int CLONE_NEWNET = 0x40000000;
  private static final int TYPE = 0x88b5;
  private static final NativeFunction UNSHARE = Downcall.libc().function("unshare");

  private interface Body {
    void run() throws Exception;
  }

  private static void inOwnNamespace(Body body) throws Exception {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/dev/net/tun")), "this machine has no /dev/net/tun");
    CompletableFuture<Integer> unshared = new CompletableFuture<>();
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            int result = UNSHARE.callInt(CLONE_NEWNET);
            unshared.complete(result);
            if (result == 0) {
              body.run();
            }
            done.complete(null);
          } catch (Throwable t) {
            unshared.complete(0);
            done.completeExceptionally(t);
          }
        });
    int result = unshared.get();
    Assumptions.assumeTrue(
        result == 0,
        () -> "no network namespace can be made (" + Errno.name(-result) + "): run as root");
    done.get();
  }

  @Test
  void framesPassBothWaysAndTheInterfaceGoesAway() throws Exception {
    inOwnNamespace(() -> {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
        TapDevice tap = TapDevice.open("tap%d");
        assertThat(tap.name()).startsWith("tap");
        tap.up();
        int index = RouteNetlink.interfaceIndex(tap.name()).orElseThrow();
        try (PacketSocket host = PacketSocket.open(index, TYPE)) {
          MemorySegment frame = frame(arena);
          MemorySegment.copy(frame, 0, record, 12, 60);
          assertThat(tap.send(record, 72)).isTrue();
          MemorySegment got = arena.allocate(2048);
          assertThat(receive(host, got)).isEqualTo(60);
          assertThat(got.asSlice(0, 60).mismatch(frame)).isEqualTo(-1);

          assertThat(host.send(frame)).isZero();
          int length = receiveOfType(tap, record);
          assertThat(length).isEqualTo(72);
          assertThat(record.asSlice(12, 60).mismatch(frame)).isEqualTo(-1);
        }
        tap.close();
        assertThat(RouteNetlink.interfaceIndex(tap.name())).isEqualTo(OptionalInt.empty());
      }
    });
  }

  @Test
  void everySetOfOffloadsIsTaken() throws Exception {
    inOwnNamespace(() -> {
      try (TapDevice tap = TapDevice.open("here0")) {
        for (int bits = 0; bits < 32; bits++) {
          tap.accept(
              new Offloads(
                  (bits & 1) != 0,
                  (bits & 2) != 0,
                  (bits & 4) != 0,
                  (bits & 8) != 0,
                  (bits & 16) != 0));
        }
      }
    });
  }

  @Test
  void gateInFrontOfATapHoldsAndReleases() throws Exception {
    inOwnNamespace(() -> {
      TapDevice tap = TapDevice.open("here0");
      tap.up();
      int index = RouteNetlink.interfaceIndex("here0").orElseThrow();
      try (Arena arena = Arena.ofShared();
          PacketSocket host = PacketSocket.open(index, TYPE);
          FrameGate gate =
              new FrameGate(
                  FrameRoom.anonymous(1 << 18),
                  tap,
                  FrameGate.Passing.DIRECT,
                  () -> true,
                  () -> {})) {
        MemorySegment record = arena.allocate(72);
        MemorySegment.copy(frame(arena), 0, record, 12, 60);
        MemorySegment got = arena.allocate(2048);
        gate.endEpoch(1);
        gate.send(record, 72);
        gate.endEpoch(2);
        Thread.sleep(20);
        assertThat(host.receive(got)).isEqualTo(-Errno.EAGAIN);
        gate.release(2);
        assertThat(receive(host, got)).isEqualTo(60);
        assertThat(new Announcer(new byte[6], List.of(), List.of()).announce(tap)).isEqualTo(1);
      }
    });
  }

  private static MemorySegment frame(Arena arena) {
    MemorySegment frame = arena.allocate(60);
    frame.asSlice(0, 6).fill((byte) 0xff);
    frame.set(ValueLayout.JAVA_BYTE, 6, (byte) 2);
    frame.set(ValueLayout.JAVA_BYTE, 12, (byte) (TYPE >> 8));
    frame.set(ValueLayout.JAVA_BYTE, 13, (byte) TYPE);
    frame.set(ValueLayout.JAVA_BYTE, 59, (byte) 77);
    return frame;
  }

  private static int receive(PacketSocket socket, MemorySegment into) throws InterruptedException {
    while (true) {
      int length = socket.receive(into);
      if (length != -Errno.EAGAIN) {
        return length;
      }
      Thread.sleep(1);
    }
  }

  /** The kernel sends frames of its own on an interface that comes up: they are passed over. */
  private static int receiveOfType(TapDevice tap, MemorySegment record) {
    while (true) {
      int length = tap.receive(record, 100);
      if (length > 0
          && record.get(ValueLayout.JAVA_BYTE, 24) == (byte) (TYPE >> 8)
          && record.get(ValueLayout.JAVA_BYTE, 25) == (byte) TYPE) {
        return length;
      }
    }
  }
}

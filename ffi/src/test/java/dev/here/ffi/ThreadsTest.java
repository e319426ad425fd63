package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class ThreadsTest {
  @Test
  void signalInterruptsASystemCallAndNothingElse() throws Exception {
    CompletableFuture<Integer> tid = new CompletableFuture<>();
    CompletableFuture<Integer> result = new CompletableFuture<>();
    FileDescriptor.Pipe pipe = FileDescriptor.pipe();
    try (FileDescriptor reader = pipe.reader();
        FileDescriptor writer = pipe.writer()) {
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                NoOpSignal.prepareThread();
                tid.complete(Threads.tid());
                result.complete(Libc.pollOne(reader.number(), Libc.POLLIN, -1));
              });
      AtomicBoolean sent = new AtomicBoolean();
      while (!result.isDone()) {
        assertThat(Threads.signal(tid.get(), NoOpSignal.NUMBER)).isIn(0, -Errno.ESRCH);
        sent.set(true);
        Thread.sleep(5);
      }
      thread.join();
      assertThat(sent).isTrue();
      assertThat(result.get()).isEqualTo(-Errno.EINTR);
      assertThat(writer.isClosed()).isFalse();
    }
  }

  @Test
  void threadThatHasEndedIsNotFound() throws Exception {
    CompletableFuture<Integer> tid = new CompletableFuture<>();
    Thread thread = Thread.ofPlatform().start(() -> tid.complete(Threads.tid()));
    thread.join();
    int result;
    do {
      // The kernel's thread ends a moment after Java's.
      result = Threads.signal(tid.get(), 0);
    } while (result == 0);
    assertThat(result).isEqualTo(-Errno.ESRCH);
  }

  @Test
  void bindsToACpu() throws Exception {
    Thread thread = Thread.ofPlatform().start(() -> Threads.bindToCpu(0));
    thread.join();
    assertThat(Threads.parentPid())
        .isEqualTo((int) ProcessHandle.current().parent().orElseThrow().pid());
  }

  @Test
  void goesBeforeOthersAndBackAgain() throws Exception {
    CompletableFuture<Integer> allowed = new CompletableFuture<>();
    CompletableFuture<Integer> before = new CompletableFuture<>();
    CompletableFuture<Boolean> usual = new CompletableFuture<>();
    CompletableFuture<Integer> after = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          allowed.complete(Threads.schedule(0, 3));
          before.complete(Threads.priority(0));
          usual.complete(Threads.hasUsualPolicy(0));
          Threads.schedule(0, 0);
          after.complete(Threads.priority(0));
        });
    assumeThat(allowed.get()).as("this process may not use SCHED_FIFO").isZero();
    assertThat(before.get()).isEqualTo(3);
    assertThat(usual.get()).isFalse();
    assertThat(after.get()).isZero();
    assertThat(Threads.hasUsualPolicy(0)).isTrue();
  }

  @Test
  void aThreadThatHasEndedGetsNoPriority() throws Exception {
    Process process = new ProcessBuilder("true").start();
    process.waitFor();
    assertThat(Threads.schedule((int) process.pid(), 0)).isEqualTo(-Errno.ESRCH);
    assertThat(Threads.priority((int) process.pid())).isEqualTo(-Errno.ESRCH);
    assertThat(Threads.hasUsualPolicy((int) process.pid())).isFalse();
  }

  @Test
  void aProcessThatIsGoneHasNoNetworkToEnter() throws Exception {
    Process process = new ProcessBuilder("true").start();
    process.waitFor();
    assertThatThrownBy(() -> Threads.enterNetworkOf(process.pid()))
        .isInstanceOf(NativeException.class)
        .hasMessageContaining("/proc/" + process.pid() + "/ns/net");
  }

  @Test
  void clocksRun() {
    long before = Clock.MONOTONIC_RAW.nanos();
    assertThat(Clock.MONOTONIC_RAW.nanos()).isGreaterThanOrEqualTo(before);
    assertThat(Clock.REALTIME.nanos()).isGreaterThan(1_600_000_000_000_000_000L);
  }
}

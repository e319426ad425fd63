package dev.here.kvm;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Kicks a vCPU out of the guest at a deadline, so that a guest that hangs can't hang the test. */
final class RunLimit implements AutoCloseable {
  private final KvmVcpu vcpu;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  private RunLimit(KvmVcpu vcpu) {
    this.vcpu = vcpu;
  }

  static RunLimit of(KvmVcpu vcpu, long deadlineNanos) {
    RunLimit limit = new RunLimit(vcpu);
    vcpu.kick().bindToThisThread();
    CompletableFuture<Void> unused =
        limit
            .ended
            .copy()
            .orTimeout(deadlineNanos - System.nanoTime() + 100_000_000, TimeUnit.NANOSECONDS)
            .exceptionally(late -> {
              vcpu.kick().kick();
              return null;
            });
    return limit;
  }

  void entering() {
    vcpu.kick().acknowledge();
  }

  @Override
  public void close() {
    ended.complete(null);
  }
}

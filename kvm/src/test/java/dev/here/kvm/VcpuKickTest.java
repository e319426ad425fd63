package dev.here.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.BareMetalImage;
import dev.here.testkit.X64Code;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class VcpuKickTest {
  private static final int KICKS = 1000;
  private static final BareMetalImage FOREVER =
      BareMetalImage.of(new X64Code().label("start").jump("start"));

  @BeforeAll
  static void needsKvm() {
    TestVm.assumeKvm();
  }

  @Test
  void everyKickGetsTheVcpuOut() throws Exception {
    try (TestVm test = new TestVm(1 << 20)) {
      FOREVER.writeTo(test.memory());
      test.mapRam(0);
      KvmVcpu vcpu = test.start(FOREVER.gpa("start"), 0, 0, 0);
      AtomicBoolean asked = new AtomicBoolean();
      AtomicBoolean stop = new AtomicBoolean();
      Semaphore answered = new Semaphore(0);
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                vcpu.kick().bindToThisThread();
                while (!stop.get()) {
                  vcpu.kick().acknowledge();
                  if (asked.getAndSet(false)) {
                    answered.release();
                  }
                  if (!stop.get()) {
                    vcpu.run();
                  }
                }
              });
      try {
        for (int i = 0; i < KICKS; i++) {
          asked.set(true);
          vcpu.kick().kick();
          assertThat(answered.tryAcquire(30, TimeUnit.SECONDS)).as("kick %d", i).isTrue();
        }
      } finally {
        stop.set(true);
        vcpu.kick().kick();
        thread.join();
      }
    }
  }
}

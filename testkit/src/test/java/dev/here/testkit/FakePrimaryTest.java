package dev.here.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.hypervisor.Primary;
import dev.here.machine.MachineState;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

class FakePrimaryTest extends PrimaryContract {
  private final FakeGuest guest = new FakeGuest(5, 100);
  private final FakePrimary fake = new FakePrimary(guest, 200_000, frame -> {});

  @Override
  protected Primary start() {
    return fake;
  }

  @Override
  protected void stop() {
    fake.crash();
  }

  @Override
  protected void checkConsistent(MemorySegment memory, MachineState state) {
    long ticks = FakeGuest.ticks(state);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment expected = arena.allocate(guest.sizeBytes());
      guest.replay(expected, ticks);
      assertThat(memory.mismatch(expected)).isEqualTo(-1);
    }
  }
}

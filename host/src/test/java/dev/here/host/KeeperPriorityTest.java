package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.ProcessPriority;
import dev.here.replication.ProtectionState;
import dev.here.testkit.NiceValue;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class KeeperPriorityTest {
  @Test
  void whereItMayNotGoBeforeOthersNothingChanges() {
    OptionalInt usual = NiceValue.of(ProcessHandle.current());
    try {
      new KeeperPriority(false).follow(ProtectionState.PROTECTED);
      assertThat(NiceValue.of(ProcessHandle.current())).isPresent().isEqualTo(usual);
    } finally {
      if (!NiceValue.of(ProcessHandle.current()).equals(usual)) {
        ProcessPriority.restoreOwn();
      }
    }
  }
}

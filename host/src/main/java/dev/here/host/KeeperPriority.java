package dev.here.host;

import dev.here.ffi.ProcessPriority;
import dev.here.replication.ProtectionState;
import java.util.EnumSet;
import java.util.Set;

/**
 * A keeper goes before others on its host while its guest's frames are held, for the guest's
 * clients wait for each of its commits then; a guest that runs meanwhile only makes frames that are
 * held, too. Where the keeper may not, nothing changes. Used by one thread.
 */
final class KeeperPriority {
  /** Nine times the usual share, where others want it, too. */
  private static final int NICE = -10;

  private static final Set<ProtectionState> HOLDS =
      EnumSet.of(
          ProtectionState.PROTECTED, ProtectionState.RECONNECTING, ProtectionState.SWITCHING_OVER);

  private final boolean allowed;
  private boolean raised;

  /**
   * @param allowed {@link GuestProtection#mayGoBefore}; nothing changes where it may not
   */
  KeeperPriority(boolean allowed) {
    this.allowed = allowed;
  }

  void follow(ProtectionState state) {
    boolean holds = allowed && HOLDS.contains(state);
    if (holds && !raised) {
      raised = ProcessPriority.setOwn(NICE);
    } else if (!holds && raised) {
      raised = !ProcessPriority.restoreOwn();
    }
  }
}

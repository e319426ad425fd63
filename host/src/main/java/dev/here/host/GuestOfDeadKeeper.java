package dev.here.host;

import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest as its keeper left it: what names it, and the process that runs it.
 *
 * @param folder the keeper's, with {@link HypervisorMark}
 * @param frames at its ports
 */
record GuestOfDeadKeeper(GuestReference reference, Path folder, LeftFrames frames)
    implements LeftGuest {
  private static final Logger LOG = LoggerFactory.getLogger(GuestOfDeadKeeper.class);

  /** A process that was killed executes nothing of its program after this, on a slow host too. */
  private static final Duration END_LIMIT = Duration.ofSeconds(5);

  /**
   * By its process where one was written down, which takes some microseconds. A guest whose
   * hypervisor dies after this, and before its lease was inherited, is lost: what the standby has
   * cannot be taken over any more.
   */
  @Override
  public boolean isGone() {
    return HypervisorMark.isDead(folder).orElseGet(frames::haveNoGuest);
  }

  @Override
  public GuestReference.Leavings leavings() {
    return reference.leavings();
  }

  /**
   * By its process first: a hypervisor that hangs does not answer. Then by what its name leads to,
   * as its supervisor may have started it anew, and a domain of Xen is there without its device
   * model.
   */
  @Override
  public boolean end() {
    Optional<Boolean> byProcess =
        reference.runsInProcess() ? HypervisorMark.end(folder, END_LIMIT) : Optional.empty();
    boolean byName = endByName();
    return byProcess.orElse(byName);
  }

  private boolean endByName() {
    try {
      reference.end();
      return true;
    } catch (HypervisorGoneException e) {
      return reference.runsInProcess();
    } catch (HypervisorException e) {
      LOG.info(
          "the hypervisor of {} is gone already, or does not answer: {}",
          reference.name(),
          e.getMessage());
      return false;
    }
  }
}

package dev.here.hypervisor;

import dev.here.machine.MemoryMap;
import java.lang.foreign.MemorySegment;

/**
 * A warm hypervisor that holds one replica and can take the guest over at any time. Called by one
 * thread.
 */
public interface Standby extends AutoCloseable {
  /** Name of the hypervisor with its version. */
  String hypervisor();

  /**
   * Makes the warm machine for a guest of this shape: memory, vCPUs, devices. Called once, before
   * the seeding.
   *
   * @throws StateRefusedException naming what this standby lacks (a CPU feature, a device, memory)
   */
  void prepare(MemoryMap memory, int vcpus);

  /**
   * The replica's memory, {@code backingSizeBytes} long, mapped and writable here; only committed
   * pages are ever written to it.
   */
  MemorySegment memory();

  /**
   * Checks that {@code state} can be loaded: it is decoded and range-checked. The first one, and
   * each whose {@link dev.here.machine.MachineShape} is not the one that was tried last, is also
   * tried: set on the warm machine's vCPUs and read back equal, as far as the hypervisor can. A
   * refusal changes nothing: the state that was validated before can be activated.
   *
   * <p>At octets that are no machine state, what their decoder throws may come instead.
   *
   * @throws StateRefusedException naming the field
   */
  void validate(EncodedState state);

  /**
   * Takes over: the guest runs from {@code state} and the memory as it stands. Returns when the
   * first guest instruction has been let run.
   */
  void activate(EncodedState state);

  /** Progress of the guest after {@link #activate}. */
  GuestProgress progress(long timeoutNanos);

  /**
   * Before {@link #activate}: gives up the replica and ends the warm machine. Afterwards: lets go,
   * the guest runs on.
   */
  @Override
  void close();
}

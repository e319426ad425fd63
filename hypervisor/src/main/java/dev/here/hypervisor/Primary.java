package dev.here.hypervisor;

import dev.here.machine.MemoryMap;

/**
 * One running guest under protection, as its driver sees it. One thread calls {@link #seed} and
 * {@link #capture}, in this order; {@link #progress} and {@link #close} may come from others at any
 * time.
 *
 * <p>Whatever fails, the guest goes on: every method that throws has undone its part first, and
 * {@link #close} leaves nothing of ours in the hypervisor.
 */
public interface Primary extends AutoCloseable {
  /** Name of the hypervisor with its version, for example {@code qemu-7.2.22}. */
  String hypervisor();

  /**
   * Where the guest's memory lies now. The backing's size is the same for the whole protection;
   * page indices given to sinks refer to it.
   */
  MemoryMap memoryMap();

  /**
   * The first full copy, made while the guest runs. Returns when what is left fits one checkpoint
   * or passes no longer get smaller. Pages never delivered hold zeros.
   */
  void seed(PageSink sink);

  /**
   * Ends the epoch: pauses, tells {@code boundary}, delivers every page that changed since the last
   * capture (or the seeding), takes the vendor's state, lets the guest run on.
   *
   * @throws HypervisorGoneException when the hypervisor ended; pages delivered so far are to be
   *     thrown away
   * @throws HypervisorException when the checkpoint could not be taken; the guest runs on
   */
  Capture capture(PageSink sink, EpochBoundary boundary);

  /** The guest's progress, answered within {@code timeoutNanos} or not alive. */
  GuestProgress progress(long timeoutNanos);

  /** Ends the guest here, by force: the way to make sure of a hung hypervisor before take-over. */
  void kill();

  /** Ends protection: the guest and its network go on without us. */
  @Override
  void close();
}

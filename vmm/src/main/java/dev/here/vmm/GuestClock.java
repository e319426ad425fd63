package dev.here.vmm;

/**
 * Time as the machine's devices live it: nanoseconds that stand still while the guest is paused,
 * and timers on it. Methods are called with the platform's lock held, timers fire with it held.
 */
public interface GuestClock {
  /** Nanoseconds of guest time; starts anywhere, never goes back. */
  long nanos();

  /** A timer that is not set. */
  Timer timer(Runnable expired);

  /** One timer; setting it again replaces its deadline. */
  interface Timer {
    /** Fires once when {@link GuestClock#nanos} has reached {@code deadlineNanos}. */
    void set(long deadlineNanos);

    void cancel();
  }
}

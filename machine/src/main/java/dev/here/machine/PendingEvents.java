package dev.here.machine;

/**
 * What the vCPU owes the guest at the instant of capture: exceptions, interrupts and modes that a
 * resumed vCPU must take up.
 *
 * @param exceptionInjected an exception was being delivered
 * @param exceptionVector 0 to 31
 * @param exceptionHasErrorCode it pushes an error code
 * @param exceptionErrorCode that code
 * @param exceptionPending an exception is pending, not yet delivered
 * @param exceptionHasPayload CR2 or DR6 is still to be set from the payload
 * @param exceptionPayload that payload
 * @param interruptInjected an external or software interrupt was being delivered
 * @param interruptVector 0 to 255
 * @param interruptSoft by INT n
 * @param interruptShadow bit 0: after STI, bit 1: after MOV SS
 * @param nmiInjected an NMI was being delivered
 * @param nmiPending an NMI is pending
 * @param nmiMasked NMIs are blocked until IRET
 * @param sipiVector start-up vector, for a vCPU that waits to be started
 * @param smm in system-management mode
 */
public record PendingEvents(
    boolean exceptionInjected,
    int exceptionVector,
    boolean exceptionHasErrorCode,
    int exceptionErrorCode,
    boolean exceptionPending,
    boolean exceptionHasPayload,
    long exceptionPayload,
    boolean interruptInjected,
    int interruptVector,
    boolean interruptSoft,
    int interruptShadow,
    boolean nmiInjected,
    boolean nmiPending,
    boolean nmiMasked,
    int sipiVector,
    boolean smm) {
  /** Nothing is owed. */
  public static final PendingEvents NONE =
      new PendingEvents(
          false, 0, false, 0, false, false, 0, false, 0, false, 0, false, false, false, 0, false);

  public PendingEvents {
    Bounds.range("events.exceptionVector", exceptionVector, 0, 31);
    Bounds.range("events.interruptVector", interruptVector, 0, 255);
    Bounds.range("events.interruptShadow", interruptShadow, 0, 3);
    Bounds.range("events.sipiVector", sipiVector, 0, 255);
  }
}

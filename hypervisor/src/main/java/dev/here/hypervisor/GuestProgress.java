package dev.here.hypervisor;

/**
 * How far a guest has come, the heartbeat of a protection. A guest that stands still although it
 * should run is dead to us, whatever its host answers.
 *
 * @param alive the hypervisor answers
 * @param paused the hypervisor says that the guest is meant to stand still
 * @param executedNanos CPU time that the guest's vCPUs have used so far, summed; only its growth
 *     means anything
 * @param idle all vCPUs wait for an interrupt and no timer of theirs is overdue
 */
public record GuestProgress(boolean alive, boolean paused, long executedNanos, boolean idle) {}

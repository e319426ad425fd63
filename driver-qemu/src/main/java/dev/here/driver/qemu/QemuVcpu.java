package dev.here.driver.qemu;

/**
 * A vCPU of the guest.
 *
 * @param index QEMU's CPU index
 * @param threadId its thread on this host
 * @param qomPath its object in QEMU
 */
public record QemuVcpu(int index, long threadId, String qomPath) {}

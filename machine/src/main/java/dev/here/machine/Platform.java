package dev.here.machine;

/**
 * Who made the state and what it imitates.
 *
 * @param hypervisor for example qemu-7.2.22, here-vmm-0.1.0, xen-4.17
 * @param machineType for example pc-i440fx-7.2
 * @param vmName as the user knows it
 */
public record Platform(String hypervisor, String machineType, String vmName) {}

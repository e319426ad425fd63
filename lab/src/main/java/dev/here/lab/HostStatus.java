package dev.here.lab;

/**
 * One host of a lab.
 *
 * @param name its name
 * @param state "up", "stopped" (hanging), "silent" (its agent does not answer) or "off"
 * @param dataAddress its address on the network of guests and clients
 * @param replicationAddress its address on the network between hosts
 * @param controlAddress its address on the network with the witness
 * @param tscKilohertz the TSC's rate that the host's kernel measured; 0 when not known
 * @param uptimeSeconds since the host was booted, its saved time included; 0 when not known
 */
public record HostStatus(
    String name,
    String state,
    String dataAddress,
    String replicationAddress,
    String controlAddress,
    long tscKilohertz,
    double uptimeSeconds) {}

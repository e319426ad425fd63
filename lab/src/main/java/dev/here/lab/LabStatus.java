package dev.here.lab;

import java.util.List;

/**
 * A lab as it is now.
 *
 * @param rackPid process id of the lab's first process
 * @param folder where its sockets and logs are
 * @param acceleration how the hosts run
 * @param clientAddress the rack's own address on the network of guests and clients
 * @param witnessAddress the rack's own address on the network with the hosts' control side
 * @param hosts the hosts
 */
public record LabStatus(
    long rackPid,
    String folder,
    Acceleration acceleration,
    String clientAddress,
    String witnessAddress,
    List<HostStatus> hosts) {}

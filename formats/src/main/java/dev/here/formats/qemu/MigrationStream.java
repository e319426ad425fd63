package dev.here.formats.qemu;

import java.util.List;
import java.util.Optional;

/**
 * A whole migration stream without its pages: what an ordinary {@code migrate} writes, or what
 * opens a COLO connection.
 *
 * @param machineType machine of the configuration section, e.g. {@code pc-i440fx-7.2}; empty in a
 *     file of {@code xen-save-devices-state}
 * @param colo whether the sender goes on with COLO checkpoints on the same connection
 * @param ramBlocks the announced RAM blocks, in order
 * @param ram what the RAM passes carried
 * @param deviceState the full device sections and the end mark that closes them, as they came
 * @param schema QEMU's description of the device state, where the stream has one
 */
public record MigrationStream(
    Optional<String> machineType,
    boolean colo,
    List<RamBlock> ramBlocks,
    RamTally ram,
    byte[] deviceState,
    Optional<VmStateSchema> schema) {}
